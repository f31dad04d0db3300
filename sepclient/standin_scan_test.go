package sepclient_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/sepclient"
)

// The files of the scans, and where they lie.
const (
	evilPath    = `C:\Users\Zoë\It's "bad" & <evil>.exe`
	remotePath  = `D:\far\away\evil.exe`
	recycledBin = `C:\$Recycle.Bin\S-1-5\evil.exe`
	goodPath    = `C:\Tools\good.exe`
	otherPath   = `C:\Elsewhere\good.exe`
	evil, good  = "evil content", "good content"
)

// scanned is a fleet of three: one has all the files, one has another file in
// the place of the good one, and one has none.
func scanned(o *sepm.Options) {
	o.Computers = sepm.Fleet(1, 3)
	for i := range o.Computers {
		o.Computers[i].OS, o.Computers[i].Offline = "Win10", false
	}
	o.Computers[0].Files = []sepm.File{
		{Path: evilPath, Content: []byte(evil)}, {Path: remotePath, Content: []byte(evil), Remote: true},
		{Path: recycledBin, Content: []byte(evil), Stuck: true}, {Path: goodPath, Content: []byte(good)},
	}
	o.Computers[1].Files = []sepm.File{{Path: goodPath, Content: []byte("another")}}
}

func hash(kind sepclient.HashKind, content string) sepclient.FileHash {
	return sepclient.FileHash{Kind: kind, Value: digest(kind, content)}
}

// scan scans the fleet, and gives what each computer has found when all are
// through.
func (b *bench) scan(t *testing.T, s sepclient.Scan) []*sepclient.ScanResult {
	t.Helper()
	computers := b.sepm.Computers()
	to := mapped(computers, func(c sepm.Computer) string { return c.ID })
	sent, err := b.client.Scan(t.Context(), sepclient.Targets{Computers: to}, s)
	command := one(t, sent, err)
	b.clock.advance(9 * time.Second)
	for _, status := range b.statuses(t, command) {
		require.Nil(t, status.Result, "nobody is through")
	}
	b.clock.advance(time.Second)
	byID, held := b.statuses(t, command), b.command(t, command)
	require.Equal(t, "eoc", held.Kind)
	var results []*sepclient.ScanResult
	for _, target := range held.Targets {
		status := byID[target.ComputerID]
		require.Equal(t, sepclient.CommandCompleted, status.State)
		require.Equal(t, strings.TrimSpace(target.Result) == "", status.Result == nil)
		if status.Result != nil { // as the stand-in holds it, read by itself
			var found []sepclient.Match
			for m, err := range sepclient.Matches(strings.NewReader(target.Result)) {
				if err == nil && m.Kind != sepclient.NoMatch {
					found = append(found, m)
				}
			}
			require.Equal(t, found, status.Result.Matches)
		}
		results = append(results, status.Result)
	}
	return results
}

// inFleetOrder undoes the order by name in which the stand-in has computers.
func inFleetOrder[T any](b *bench, o sepm.Options, all []T) []T {
	out := make([]T, len(all))
	for i, c := range b.sepm.Computers() {
		for j, made := range o.Computers {
			if made.ID == c.ID {
				out[j] = all[i]
			}
		}
	}
	return out
}

// Each client echoes what was searched for, with what it has found, in the
// meaning of a partial match that SEPM may have (A15, D6.5).
func TestStandInScans(t *testing.T) {
	t.Parallel()
	inEach(t, map[string]variant{
		"partial hash":  func(o *sepm.Options) { o.PartialMatch = sepm.PartialHash },
		"no partial":    func(o *sepm.Options) { o.PartialMatch = sepm.PartialNever },
		"passed on":     func(o *sepm.Options) { o.EOCPassedOn = true },
		"empty results": func(o *sepm.Options) { o.EOCResult = sepm.EOCEmpty },
		"null results":  func(o *sepm.Options) { o.EOCResult = sepm.EOCNull },
		"cut results":   func(o *sepm.Options) { o.EOCResult = sepm.EOCCut },
	}, func(t *testing.T, o sepm.Options) {
		scanned(&o)
		for _, full := range []bool{false, true} {
			b := standIn(t, o)
			byHash := sepclient.Evidence{Hash: hash(sepclient.SHA256, evil)}
			both := sepclient.Evidence{Name: goodPath, Hash: hash(sepclient.SHA256, good)}
			evidence := []sepclient.Evidence{byHash, {Name: "GOOD.exe"}, {Name: otherPath}, both, {Name: evilPath}, byHash,
				{Hash: hash(sepclient.MD5, good)}, {Hash: hash(sepclient.SHA1, good)}}
			got := inFleetOrder(b, o, b.scan(t, sepclient.Scan{Full: full, Description: `Look for "it" & <more>`, Evidence: evidence}))

			body := b.sepm.Commands()[0].Body
			require.Contains(t, body, "Look for &#34;it&#34; &amp; &lt;more&gt;")
			require.Equal(t, 7, strings.Count(body, "<File "), "each once")
			require.Contains(t, body, map[bool]string{false: "<ScanType>QUICK_SCAN<", true: "<ScanType>FULL_SCAN<"}[full])
			matches := func(file string) []sepclient.Match { // of a client that has a file in the good one's place
				sum := hash(sepclient.SHA256, file)
				found := []sepclient.Match{{Kind: sepclient.FullMatch, Searched: evidence[1], Path: goodPath, Hash: sum}}
				if o.PartialMatch == sepm.PartialPlace {
					found = append(found, sepclient.Match{Kind: sepclient.PartialMatch, Searched: evidence[2], Path: goodPath, Hash: sum})
				}
				switch {
				case file == good:
					found = append(found, sepclient.Match{Kind: sepclient.HashMatch, Searched: both, Path: goodPath, Hash: sum})
				case o.PartialMatch == sepm.PartialHash:
					found = append(found, sepclient.Match{Kind: sepclient.PartialMatch, Searched: both, Path: goodPath, Hash: sum})
				}
				return found
			}
			first := []sepclient.Match{{Kind: sepclient.HashMatch, Searched: byHash, Path: evilPath, Hash: byHash.Hash}}
			if full {
				first = append(first, sepclient.Match{Kind: sepclient.HashMatch, Searched: byHash, Path: remotePath, Hash: byHash.Hash})
			}
			first = append(first, sepclient.Match{Kind: sepclient.HashMatch, Searched: byHash, Path: recycledBin, Hash: byHash.Hash})
			first = append(append(first, matches(good)...),
				sepclient.Match{Kind: sepclient.FullMatch, Searched: evidence[4], Path: evilPath, Hash: byHash.Hash},
				sepclient.Match{Kind: sepclient.HashMatch, Searched: evidence[6], Path: goodPath, Hash: evidence[6].Hash},
				sepclient.Match{Kind: sepclient.HashMatch, Searched: evidence[7], Path: goodPath, Hash: evidence[7].Hash})
			for i, want := range [][]sepclient.Match{first, matches("another"), nil} {
				switch o.EOCResult {
				case sepm.EOCEmpty, sepm.EOCNull:
					require.Nil(t, got[i], "neither yes nor no")
				case sepm.EOCCut:
					require.ErrorIs(t, got[i].Err, sepclient.ErrTruncated)
					require.Equal(t, len(want) > 0, len(got[i].Matches) > 0)
					require.LessOrEqual(t, len(got[i].Matches), len(want))
					require.Equal(t, want[:len(got[i].Matches)], append([]sepclient.Match(nil), got[i].Matches...), "what comes before is true")
				default:
					require.NoError(t, got[i].Err)
					require.Equal(t, want, got[i].Matches)
				}
			}
		}
	})
}

// Remediation takes what matches by hash, and says of each place whether.
func TestStandInRemediates(t *testing.T) {
	t.Parallel()
	for _, kind := range []sepclient.HashKind{sepclient.SHA256, sepclient.SHA1, sepclient.MD5} {
		inEach(t, map[string]variant{
			"null results": func(o *sepm.Options) { o.EOCResult = sepm.EOCNull },
		}, func(t *testing.T, o sepm.Options) {
			scanned(&o)
			b := standIn(t, o)
			wanted := hash(kind, evil)
			remediation := sepclient.Scan{Remediate: true, Evidence: []sepclient.Evidence{{Name: goodPath, Hash: wanted}}}
			got := inFleetOrder(b, o, b.scan(t, remediation))
			searched := sepclient.Evidence{Hash: wanted}
			if o.EOCResult == sepm.EOCNull {
				require.Equal(t, []*sepclient.ScanResult{nil, nil, nil}, got)
			} else {
				require.Equal(t, []sepclient.Match{
					{Kind: sepclient.HashMatch, Searched: searched, Path: evilPath, Hash: wanted, Remediation: sepclient.RemediationSucceeded},
					{Kind: sepclient.HashMatch, Searched: searched, Path: recycledBin, Hash: wanted, Remediation: sepclient.RemediationFailed},
				}, got[0].Matches)
				require.Empty(t, got[1].Matches)
			}
			paths := func(files []sepm.File) []string { return mapped(files, func(f sepm.File) string { return f.Path }) }
			now, _ := b.sepm.Computer(o.Computers[0].ID)
			require.Equal(t, []string{evilPath}, paths(b.sepm.Contained(now.ID)))
			require.Equal(t, []string{remotePath, recycledBin, goodPath}, paths(now.Files))

			remediation.Full = true
			b.scan(t, remediation)
			require.Equal(t, []string{evilPath, remotePath}, paths(b.sepm.Contained(now.ID)))
		})
	}
}

// upload has the first computer upload a file, and gives how that ended.
func (b *bench) upload(t *testing.T, computer string, f sepclient.WantedFile) sepclient.CommandStatus {
	t.Helper()
	sent, err := b.client.UploadFile(t.Context(), []string{computer}, f)
	command := one(t, sent, err)
	require.Equal(t, "files", b.command(t, command).Kind)
	b.clock.advance(10 * time.Second)
	return b.statuses(t, command)[computer]
}

// A file comes as it lies on the endpoint, whatever SEPM packs it in (A16).
func TestStandInUploadsFiles(t *testing.T) {
	t.Parallel()
	inEach(t, map[string]variant{
		"plain content":    func(o *sepm.Options) { o.PlainContent = true },
		"checksum of file": func(o *sepm.Options) { o.ChecksumOfFile = true },
		"html errors":      func(o *sepm.Options) { o.HTMLErrors = true },
	}, func(t *testing.T, o sepm.Options) {
		scanned(&o)
		large := strings.Repeat("MZ large \x00\xff", 300_000)
		const largePath = `C:\Program Files\A & B\große.dll`
		o.Computers[0].Files = append(o.Computers[0].Files, sepm.File{Path: largePath, Content: []byte(large)},
			sepm.File{Path: `C:\notes.txt`, Content: []byte(evil)})
		b := standIn(t, o)
		computer := o.Computers[0].ID
		for path, content := range map[string]string{evilPath: evil, largePath: large} {
			for _, kind := range []sepclient.HashKind{sepclient.SHA256, sepclient.SHA1, sepclient.MD5} {
				wanted := hash(kind, content)
				status := b.upload(t, computer, sepclient.WantedFile{Path: path, Hash: wanted})
				require.Equal(t, sepclient.CommandCompleted, status.State)
				require.NotEmpty(t, status.FileID)

				f, err := b.client.FileContent(t.Context(), status.FileID, sepclient.FileOptions{Hash: wanted})
				require.NoError(t, err)
				require.Equal(t, content, read(t, f))
				require.Equal(t, int64(len(content)), f.Size)
				require.Equal(t, fmt.Sprintf("%x", sha256.Sum256([]byte(content))), f.SHA256)
				require.Equal(t, map[bool]string{false: wanted.Value}[o.PlainContent], f.Name)
				require.NoError(t, f.Close())
				_, err = b.client.FileContent(t.Context(), status.FileID, sepclient.FileOptions{MaxSize: 3})
				requireClass(t, sepclient.Permanent, err)
				_, err = b.client.FileContent(t.Context(), status.FileID, sepclient.FileOptions{Hash: hash(kind, "something else")})
				requireClass(t, sepclient.Permanent, err)

				details, err := b.client.FileDetails(t.Context(), status.FileID)
				require.NoError(t, err)
				require.Equal(t, status.FileID, details.ID)
				require.Len(t, details.Checksum, 32)
				require.Equal(t, o.ChecksumOfFile, details.Size == f.Size)
				require.Equal(t, o.ChecksumOfFile, details.Checksum == md5Of(content))

				f, err = b.client.RequestedFile(t.Context(), hash(sepclient.SHA256, content), sepclient.FileOptions{})
				if o.Release == sepm.V142 {
					require.ErrorIs(t, err, sepclient.ErrNotFound, "it has no such call")
					continue
				}
				require.NoError(t, err)
				require.Equal(t, content, read(t, f))
				require.NoError(t, f.Close())
			}
		}

		// What cannot be uploaded ends in words, and without a file.
		by := func(path string) sepclient.WantedFile {
			return sepclient.WantedFile{Path: path, Hash: hash(sepclient.SHA256, evil)}
		}
		status := b.upload(t, computer, by(`C:\notes.txt`))
		require.Equal(t, [2]any{sepclient.CommandRejected, sepclient.SubStateNotExecuted}, [2]any{status.State, status.SubState})
		require.Contains(t, status.Detail, "not an executable")
		status = b.upload(t, computer, by(goodPath))
		require.Equal(t, [2]any{sepclient.CommandError, sepclient.SubStateUnexpectedError}, [2]any{status.State, status.SubState})
		require.Empty(t, status.FileID)

		// A remediated file is in the client's own quarantine.
		b.scan(t, sepclient.Scan{Remediate: true, Evidence: []sepclient.Evidence{{Hash: hash(sepclient.SHA256, evil)}}})
		for source, want := range map[sepclient.FileSource]sepclient.CommandState{
			"": sepclient.CommandError, sepclient.Filesystem: sepclient.CommandError,
			sepclient.InVault: sepclient.CommandCompleted, sepclient.Anywhere: sepclient.CommandCompleted,
		} {
			wanted := by(evilPath)
			wanted.Source = source
			require.Equal(t, want, b.upload(t, computer, wanted).State, source)
		}
	})
}

func read(t *testing.T, f *sepclient.File) string {
	t.Helper()
	r, err := f.Open()
	require.NoError(t, err)
	defer r.Close()
	content, err := io.ReadAll(r)
	require.NoError(t, err)
	return string(content)
}
