package sepclient

import (
	"archive/zip"
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// member is a member of a zip.
type member struct{ name, content string }

func zipOf(t testing.TB, members ...member) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, m := range members {
		w, err := z.Create(m.name)
		require.NoError(t, err)
		_, err = io.WriteString(w, m.content)
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return out.Bytes()
}

func metadata(key string) member {
	return member{"metadata.xml", `<?xml version="1.0" encoding="UTF-8"?><Metadata><File Name="x.exe" Key="` + key + `"/></Metadata>`}
}

// xored is the content as a container has it.
func xored(content string, key byte) string {
	out := []byte(content)
	for i := range out {
		out[i] ^= key
	}
	return string(out)
}

// hashesOf are those of a content.
func hashesOf(content string) (s256, s1, m FileHash) {
	a, b, c := sha256.Sum256([]byte(content)), sha1.Sum([]byte(content)), md5.Sum([]byte(content))
	return FileHash{SHA256, hex.EncodeToString(a[:])}, FileHash{SHA1, hex.EncodeToString(b[:])}, FileHash{MD5, hex.EncodeToString(c[:])}
}

// serveFile gives a client of a SEPM whose one uploaded file is F1.
func serveFile(t *testing.T, body []byte) *Client {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/sepm/api/v1/command-queue/file/F1/content" || r.Header.Get("Accept") != "*/*" {
			write(w, 410, map[string]string{"errorCode": "410", "errorMessage": "no such file"})
			return
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		_, _ = w.Write(body)
	}).client(t)
}

func contentOf(t *testing.T, f *File) string {
	t.Helper()
	r, err := f.Open()
	require.NoError(t, err)
	content, err := io.ReadAll(r)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	return string(content)
}

func TestFileContent(t *testing.T) {
	const content = "Test data"
	s256, s1, m := hashesOf(content)
	require.Equal(t, "^oy~*nk~k", xored(content, 10), "the vector of A16")
	file := member{s256.Value, "^oy~*nk~k"}
	for _, tt := range []struct {
		name string
		body []byte
		as   string
	}{
		{"container", zipOf(t, file, metadata("10")), s256.Value},
		{"the other way round", zipOf(t, metadata("10"), file), s256.Value},
		{"named by its MD5", zipOf(t, metadata("10"), member{m.Value, file.content}), m.Value},
		{"named by no hash", zipOf(t, metadata("10"), member{"../../etc/passwd", file.content}), "../../etc/passwd"},
		{"no key to speak of", zipOf(t, metadata("0"), member{"x", content}), "x"},
		{"by itself", []byte(content), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := serveFile(t, tt.body)
			for _, hash := range []FileHash{{}, s256, s1, m, {SHA256, strings.ToUpper(s256.Value)}} {
				f, err := c.FileContent(t.Context(), "F1", FileOptions{Hash: hash, MaxSize: int64(len(content))})
				require.NoError(t, err)
				require.Equal(t, tt.as, f.Name)
				require.EqualValues(t, len(content), f.Size)
				require.Equal(t, s256.Value, f.SHA256)
				require.Equal(t, content, contentOf(t, f))
				require.Equal(t, content, contentOf(t, f), "it can be read again")
				require.NoError(t, f.Close())
			}
		})
	}
}

// What is too large, is another file or comes in an odd container is refused
// before anybody has a byte of it. fn_sep keeps it all in memory, takes the
// member whose name has the length of a hash, and breaks on any other.
func TestPartC28OddContainersAreRefused(t *testing.T) {
	other, _, _ := hashesOf("other")
	file := member{strings.Repeat("a", 64), "^oy~*nk~k"}
	whole := zipOf(t, file, metadata("10"))
	bomb := zipOf(t, member{"x", strings.Repeat("\x00", 20<<20)}, metadata("10"))
	require.Less(t, len(bomb), 1<<20)
	lying := bytes.Clone(bomb)
	for _, field := range []string{"PK\x01\x02", "PK\x03\x04"} { // the directory says that it is small
		at := bytes.Index(lying, []byte(field))
		size := at + map[string]int{"PK\x01\x02": 24, "PK\x03\x04": 22}[field]
		copy(lying[size:], []byte{9, 0, 0, 0})
	}
	encrypted := bytes.Clone(whole)
	encrypted[bytes.Index(encrypted, []byte("PK\x01\x02"))+8] |= 1
	damaged := bytes.Clone(whole)
	damaged[bytes.Index(damaged, []byte(file.name))+len(file.name)+3] ^= 0xff
	crowd := make([]member, 8_000)
	for i := range crowd {
		crowd[i].name = fmt.Sprint(i)
	}
	for _, tt := range []struct {
		name string
		body []byte
		hash FileHash
		text string
	}{
		{"another file", whole, other, "in place of " + other.Value},
		{"bomb", bomb, FileHash{}, "larger than it may be: 1048576 bytes"},
		{"lying bomb", lying, FileHash{}, "zip"},
		{"large by itself", bytes.Repeat([]byte("x"), 1<<20+1), FileHash{}, "larger than it may be: 1048576 bytes"},
		{"large container", bytes.Repeat([]byte("x"), 2<<20), FileHash{}, "larger than it may be: 1048576 bytes"},
		{"no zip", []byte("PK\x03\x04 and so on"), FileHash{}, "the zip cannot be read"},
		{"cut off", whole[:len(whole)-30], FileHash{}, "the zip cannot be read"},
		{"damaged", damaged, FileHash{}, "read the file from its container"},
		{"encrypted", encrypted, FileHash{}, "is encrypted"},
		{"no metadata", zipOf(t, file), FileHash{}, "has no metadata.xml"},
		{"metadata only", zipOf(t, metadata("10")), FileHash{}, "has no file beside metadata.xml"},
		{"two files", zipOf(t, file, member{"b\x1b", "b"}, metadata("10")), FileHash{}, "more than metadata.xml and one file"},
		{"two metadata", zipOf(t, file, metadata("10"), metadata("11")), FileHash{}, "more than metadata.xml"},
		{"folder", zipOf(t, member{"a/", ""}, metadata("10")), FileHash{}, `"a/", which is no file`},
		{"very many", zipOf(t, crowd...), FileHash{}, "its list of members is too long"},
		{"key of two bytes", zipOf(t, file, metadata("256")), FileHash{}, "metadata.xml of the zip"},
		{"no key", zipOf(t, file, member{"metadata.xml", "<a><File/></a>"}), FileHash{}, "does not have one Key"},
		{"two keys", zipOf(t, file, member{"metadata.xml", `<a><File Key="1"/><File Key="2"/></a>`}), FileHash{}, "does not have one Key"},
		{"no XML", zipOf(t, file, member{"metadata.xml", "Key=10"}), FileHash{}, "metadata.xml of the zip"},
		{"much XML", zipOf(t, file, member{"metadata.xml", "<a>" + strings.Repeat(" ", 1<<20)}), FileHash{}, "larger than 64 KiB"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := serveFile(t, tt.body).FileContent(t.Context(), "F1", FileOptions{Hash: tt.hash, MaxSize: 1 << 20})
			requireError(t, err, Permanent, tt.text)
			require.NotContains(t, err.Error(), "\x1b")
		})
	}
}

// A bomb is not unpacked further than to know that it is one.
func TestFileIsReadToItsBound(t *testing.T) {
	content := &io.LimitedReader{R: zeros{}, N: 1 << 30}
	f := &File{container: container{open: func() (io.ReadCloser, error) { return io.NopCloser(content), nil }}}
	require.ErrorIs(t, f.verify(FileOptions{MaxSize: 1 << 20}), errTooLarge)
	require.EqualValues(t, 1<<30-1<<20-1, content.N)
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestFileContentFailures(t *testing.T) {
	c := serveFile(t, nil)
	_, err := c.FileContent(t.Context(), "F1", FileOptions{})
	requireError(t, err, Temporary, "the answer is empty")
	_, err = c.FileContent(t.Context(), "F2", FileOptions{})
	require.ErrorIs(t, err, ErrNotFound)
	_, err = c.FileContent(t.Context(), "../F1", FileOptions{})
	requireError(t, err, Permanent, "is no id of a file")
	_, err = c.FileContent(t.Context(), "F1", FileOptions{Hash: FileHash{MD5, "x"}})
	requireError(t, err, Permanent, "is no hash")
	half := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "half")
	})
	_, err = half.client(t).FileContent(t.Context(), "F1", FileOptions{})
	requireError(t, err, Temporary, "read the answer: unexpected EOF")
}

// Nothing of a file is left on disk, whatever becomes of it.
func TestFilesLeaveNothing(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	left := func() []string {
		names, err := filepath.Glob(filepath.Join(dir, "*"))
		require.NoError(t, err)
		return names
	}
	f, err := serveFile(t, []byte("content")).FileContent(t.Context(), "F1", FileOptions{})
	require.NoError(t, err)
	require.Empty(t, left(), "its name is gone before it is closed")
	info, err := f.spool.file.Stat()
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	require.NoError(t, f.Close())
	_, err = f.Open()
	require.NoError(t, err)
	_, err = f.spool.file.Stat()
	require.ErrorIs(t, err, os.ErrClosed)
	_, err = serveFile(t, []byte("PK\x03\x04")).FileContent(t.Context(), "F1", FileOptions{})
	require.Error(t, err)
	require.Empty(t, left())
	t.Setenv("TMPDIR", filepath.Join(dir, "none"))
	_, err = serveFile(t, []byte("content")).FileContent(t.Context(), "F1", FileOptions{})
	requireError(t, err, Temporary, "make a temporary file")
}

func TestRequestedFile(t *testing.T) {
	hash, m, _ := hashesOf("Test data")
	status := 200
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		if r.URL.Path == "/sepm/api/v1/requested-files/"+hash.Value+"/content" {
			io.WriteString(w, "Test data")
		}
	})
	c := s.client(t)
	f, err := c.RequestedFile(t.Context(), FileHash{"sha-256", strings.ToUpper(hash.Value)}, FileOptions{})
	require.NoError(t, err)
	require.Equal(t, "Test data", contentOf(t, f))
	require.NoError(t, f.Close())
	other, _, _ := hashesOf("x")
	_, err = c.RequestedFile(t.Context(), other, FileOptions{})
	requireError(t, err, Temporary, "the answer is empty")
	_, err = c.RequestedFile(t.Context(), m, FileOptions{})
	requireError(t, err, Permanent, "it takes a SHA-256")
	status = 404
	_, err = c.RequestedFile(t.Context(), hash, FileOptions{})
	requireError(t, err, NotFound, "an older SEPM does not have this call")
	require.ErrorIs(t, err, ErrNotFound)
}

func TestFileDetails(t *testing.T) {
	answer := `{"id":"F1","fileSize":1071101,"checksum":"4BE0BB3B57044CAD186FB59C2B7A13BB"}`
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "/sepm/api/v1/command-queue/file/F1/details", r.URL.Path)
		io.WriteString(w, answer)
	})
	c := s.client(t)
	details, err := c.FileDetails(t.Context(), "F1")
	require.NoError(t, err)
	require.Equal(t, FileDetails{"F1", 1071101, "4BE0BB3B57044CAD186FB59C2B7A13BB"}, details)
	answer = `{"id":"F1"}`
	details, err = c.FileDetails(t.Context(), "F1")
	require.NoError(t, err)
	require.Equal(t, FileDetails{"F1", -1, ""}, details)
	_, err = c.FileDetails(t.Context(), "")
	requireError(t, err, Permanent, "the id of a file is empty")
}

// FuzzContainer reads any bytes as a container: no more than its bound comes
// out, twice the same, and with what zip says of it.
func FuzzContainer(f *testing.F) {
	f.Add(zipOf(f, member{"x", "^oy~*nk~k"}, metadata("10")))
	f.Add(zipOf(f, metadata("0"), member{"a/../b", strings.Repeat("\x00", 5000)}))
	f.Add(zipOf(f, member{"x", ""}))
	f.Add([]byte("PK\x03\x04PK\x01\x02PK\x05\x06"))
	f.Add([]byte("content"))
	f.Fuzz(func(t *testing.T, data []byte) {
		const most = 4096
		s, err := newSpool(most)
		require.NoError(t, err)
		defer s.Close()
		if s.decode(bytes.NewReader(data)) != nil {
			return
		}
		file := &File{spool: s}
		if file.container, err = readContainer(s.file, s.size); err != nil {
			return
		}
		if file.verify(FileOptions{MaxSize: most}) != nil {
			return
		}
		content := contentOf(t, file)
		require.LessOrEqual(t, len(content), most)
		require.EqualValues(t, len(content), file.Size)
		sum := sha256.Sum256([]byte(content))
		require.Equal(t, hex.EncodeToString(sum[:]), file.SHA256)
		if !bytes.HasPrefix(data, []byte(zipMagic)) {
			require.Equal(t, string(data), content)
			return
		}
		archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		require.NoError(t, err)
		require.Len(t, archive.File, 2)
		for _, m := range archive.File {
			if m.Name == file.Name && m.CRC32 != 0 {
				require.Equal(t, m.CRC32, crc32.ChecksumIEEE([]byte(xored(content, file.container.key))))
			}
		}
	})
}
