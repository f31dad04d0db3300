package sepclient

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// matches takes all matches of a result, and the error that ended it.
func matches(t *testing.T, result io.Reader) (all []Match, err error) {
	t.Helper()
	for m, e := range Matches(result) {
		require.NoError(t, err, "nothing comes after an error")
		if e != nil {
			err = e
			continue
		}
		all = append(all, m)
	}
	return all, err
}

const (
	hash1 = "bfe4000000000000000000000000000000000000000000000000000000000001"
	hash2 = "bfe4000000000000000000000000000000000000000000000000000000000002"
)

// The sample of A15, and what else a File can say.
func TestMatches(t *testing.T) {
	sha := func(value string) FileHash { return FileHash{SHA256, value} }
	for _, tt := range []struct {
		name  string
		files []string
		want  []Match
	}{
		{"none", nil, nil},
		{"no match", []string{`<File name="" action="create"><Matched result="NO_MATCH"/></File>`}, []Match{{Kind: NoMatch}}},
		{"by hash", []string{`<File name="C:\temp\where_copy.exe" action="create"><Hash name="SHA256" value="` + hash1 + `"/>` +
			`<Matched result="HASH_MATCH" value="C:\temp\where.exe" remediation="SUCCEEDED" hashType="SHA256"/></File>`},
			[]Match{{HashMatch, Evidence{`C:\temp\where_copy.exe`, sha(hash1)}, `C:\temp\where.exe`, sha(hash1), RemediationSucceeded}}},
		{"by name", []string{`<File name="C:\temp\where_copy.exe" action="create">` +
			`<Matched result="FULL_MATCH" value="C:\temp\where_copy.exe" remediation="UNSUPPORTED" hashType="SHA256" hashValue="` + hash1 + `"/></File>`},
			[]Match{{FullMatch, Evidence{Name: `C:\temp\where_copy.exe`}, `C:\temp\where_copy.exe`, sha(hash1), RemediationUnsupported}}},
		{"by name without the found hash", []string{`<File name="a"><Hash name="MD5" value="x"/><Matched result="FULL_MATCH" value="b" hashType="SHA256"/></File>`},
			[]Match{{Kind: FullMatch, Searched: Evidence{"a", FileHash{MD5, "x"}}, Path: "b"}}},
		{"hash after its match", []string{`<File name=''><Matched hashType='SHA256' result='HASH_MATCH' value='b' remediation='FAILED'/><Hash value='` + hash1 + `' name='SHA256'/></File>`},
			[]Match{{HashMatch, Evidence{Hash: sha(hash1)}, "b", sha(hash1), RemediationFailed}}},
		{"of several hashes the one that matched", []string{`<File><Hash name="MD5" value="x"/><Hash name="SHA-256" value="` + strings.ToUpper(hash1) + `"/><Matched result="HASH_MATCH" value="b" hashType="SHA256"/></File>`},
			[]Match{{Kind: HashMatch, Searched: Evidence{Hash: sha(hash1)}, Path: "b", Hash: sha(hash1)}}},
		{"unknown words are kept", []string{`<File name="a"><Matched result="NEW_MATCH" value="b" remediation="MOVED" hashType="SHA512" hashValue="CC"/></File>`},
			[]Match{{"NEW_MATCH", Evidence{Name: "a"}, "b", FileHash{"SHA512", "cc"}, "MOVED"}}},
		{"entities", []string{`<File name="R&amp;D &lt;&#x41;&#66;&quot;&apos;&gt; &unknown; &#xD800; &;&"><Matched result="NO_MATCH"/></File>`},
			[]Match{{Kind: NoMatch, Searched: Evidence{Name: `R&D <AB"'> &unknown; &#xD800; &;&`}}}},
		{"all but tags is gone over", []string{`<!-- <File name="x"><Matched result="FULL_MATCH"/></File> > --><![CDATA[<Matched>]]>text<?pi <File ?>` +
			`<s:File  name = "a>b" ><Other><Matched result="NO_MATCH"></Matched></Other></s:File ><File name="z"/><Matched result="FULL_MATCH"/>`},
			[]Match{{Kind: NoMatch, Searched: Evidence{Name: "a>b"}}}},
		{"a comment does not end in its own beginning", []string{`<!---><File ' -->`, `<?><File ?>`, `<File><Matched result="NO_MATCH"/></File>`}, []Match{{Kind: NoMatch}}},
		{"not UTF-8", []string{"<File name='a\xff'><Matched result='NO_MATCH'/></File>"}, []Match{{Kind: NoMatch, Searched: Evidence{Name: "a�"}}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for how, reader := range readers(`<?xml version="1.0"?><!DOCTYPE EOC>` + eocEcho(tt.files...)) {
				got, err := matches(t, reader)
				require.NoError(t, err, how)
				require.Equal(t, tt.want, got, how)
			}
		})
	}
}

// fn_sep drops partial matches from its reports, and of several matches keeps
// the last.
func TestPartC10C24EveryMatchIsKept(t *testing.T) {
	var files []string
	for _, kind := range []MatchKind{HashMatch, FullMatch, PartialMatch} {
		files = append(files, fmt.Sprintf(`<File name="a,b"><Matched result="%s" value="C:\1, 2.exe"/><Matched result="%s" value="C:\3.exe"/></File>`, kind, kind))
	}
	got, err := matches(t, strings.NewReader(eocEcho(files...)))
	require.NoError(t, err)
	require.Len(t, got, 6)
	require.Equal(t, Match{Kind: PartialMatch, Searched: Evidence{Name: "a,b"}, Path: `C:\1, 2.exe`}, got[4])
}

// A search by path repeats its matches in three Files; fn_sep counts failed
// remediations three times.
func TestPartC21DuplicatesAreFolded(t *testing.T) {
	file := `<File name="x.exe" action="create"><Matched result="FULL_MATCH" value="C:\x.exe" remediation="UNSUPPORTED" hashType="SHA256" hashValue="` + hash1 + `"/>` +
		`<Matched result="FULL_MATCH" value="C:\$Recycle.Bin\x.exe" remediation="UNSUPPORTED" hashType="SHA256" hashValue="` + hash1 + `"/></File>`
	other := strings.ReplaceAll(file, hash1, hash2)
	got, err := matches(t, strings.NewReader(eocEcho(file, file, file, other, other, file)))
	require.NoError(t, err)
	require.Len(t, got, 4, "two places, each with two hashes")
}

// fn_sep takes each search by path for one by name: it looks for the name in
// the wrong place.
func TestPartC23SearchedArtifact(t *testing.T) {
	got, err := matches(t, strings.NewReader(eocEcho(
		`<File name="C:\a\x.exe"><Matched result="NO_MATCH"/></File>`,
		`<File name="x.exe"><Matched result="NO_MATCH"/></File>`,
		`<File name=""><Hash name="SHA256" value="`+hash1+`"/><Matched result="NO_MATCH"/></File>`)))
	require.NoError(t, err)
	require.Equal(t, []Match{
		{Kind: NoMatch, Searched: Evidence{Name: `C:\a\x.exe`}}, {Kind: NoMatch, Searched: Evidence{Name: "x.exe"}},
		{Kind: NoMatch, Searched: Evidence{Hash: FileHash{SHA256, hash1}}},
	}, got)
}

// An empty result is no error, and what is cut off says so and what it has.
func TestMatchesOfBadResults(t *testing.T) {
	whole := eocEcho(`<File name="a"><Matched result="FULL_MATCH" value="b"/></File>`)
	for _, tt := range []struct {
		result string
		want   int
		err    string
	}{
		{"", 0, ""},
		{" \r\n\t", 0, ""},
		{whole + "<rest", 1, ""},
		{whole[:len(whole)-1], 1, "cut off"},
		{whole[:strings.Index(whole, "</File>")], 1, "cut off"},
		{whole[:strings.Index(whole, `value="b"`)], 0, "cut off"},
		{"<EOC", 0, "cut off"},
		{"<EOC><!-- ", 0, "cut off"},
		{"<EOC><![CDA", 0, "cut off"},
		{"null", 0, "cut off"},
		{"<Files/>", 0, "it begins with <Files/> in place of <EOC>"},
		{"</EOC>", 0, "it begins with </EOC> in place"},
		{"<EOC><File name=a></File></EOC>", 0, "not well-formed"},
		{"<EOC><File name></File></EOC>", 0, "not well-formed"},
		{"<EOC><File <Matched/></EOC>", 0, "not well-formed"},
		{`<EOC><File name="` + strings.Repeat("x", 1<<20) + `"/></EOC>`, 0, "not well-formed"},
		{"<EOC>" + strings.Repeat("x", 1<<20) + "</EOC>", 0, ""},
	} {
		name := tt.result[:min(len(tt.result), 60)]
		got, err := matches(t, iotest.HalfReader(strings.NewReader(tt.result)))
		require.Len(t, got, tt.want, name)
		if tt.err == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, tt.err, name)
		require.Equal(t, tt.err == "cut off", errors.Is(err, ErrTruncated), name)
	}
	got, err := matches(t, io.MultiReader(strings.NewReader(whole[:len(whole)-20]), iotest.ErrReader(io.ErrUnexpectedEOF)))
	require.Len(t, got, 1)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func TestMatchesAreBounded(t *testing.T) {
	var file strings.Builder
	file.WriteString(`<File name="a">`)
	for i := range maxMatches + 1 {
		fmt.Fprintf(&file, `<Matched result="FULL_MATCH" value="%d"/>`, i%maxMatches)
	}
	whole := eocEcho(file.String() + "</File>")
	got, err := matches(t, strings.NewReader(whole))
	require.NoError(t, err)
	require.Len(t, got, maxMatches)
	got, err = matches(t, strings.NewReader(strings.Replace(whole, `value="0"`, `value="x"`, 1)))
	require.ErrorContains(t, err, "more than 10000 different matches")
	require.Len(t, got, maxMatches)
}

func TestMatchesStopWithTheirReader(t *testing.T) {
	read := io.MultiReader(strings.NewReader(`<EOC><File name="a"><Matched result="NO_MATCH"/></File>`), iotest.ErrReader(errors.New("read on")))
	for m, err := range Matches(read) {
		require.NoError(t, err)
		require.Equal(t, "a", m.Searched.Name)
		break
	}
}

// FuzzMatches holds any text against encoding/xml, and a document against
// itself cut off.
func FuzzMatches(f *testing.F) {
	for _, seed := range []string{
		"", "<EOC/>", eocEcho(`<File name="a&amp;b"><Hash name="MD5" value="AB"/><Matched result="HASH_MATCH" value="C:\x" hashType="MD5"/></File>`),
		`<EOC><File name='"'><Matched result="FULL_MATCH" value="b"/><Matched result="NO_MATCH"/></File><!-- --><![CDATA[]]></EOC>`,
		`<EOC><File name="a"><Matched result="x`, `<EOC></a></b>`,
		"u='\"'>l^=\"FULL_MATCH\" ve><!-- --><Matched rZsult=\"NO_MATCH\"/></File><!---><Ma- --><![CDATA[]]></EOC>", `<EOC><?><a ?></EOC>`, `<a:EOC><b:File name="&#65;"><c:Matched/></b:File></a:EOC>`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := matches(t, bytes.NewReader(data))
		slow, slowErr := matches(t, iotest.OneByteReader(bytes.NewReader(data)))
		require.Equal(t, got, slow, "however it comes")
		require.Equal(t, fmt.Sprint(err), fmt.Sprint(slowErr))
		require.LessOrEqual(t, len(got), maxMatches)
		if len(data) > 0 {
			part, err := matches(t, bytes.NewReader(data[:len(data)/2]))
			if err == nil || errors.Is(err, ErrTruncated) {
				require.LessOrEqual(t, len(part), len(got)+1) // the last may have had its Hash yet to come
			}
		}
		tags, err := tagsOfXML(data)
		if err != nil || bytes.IndexByte(data, '\r') >= 0 || declaration.Match(data) {
			return // other text is only not to make it panic
		}
		require.Equal(t, tags, tagsOf(t, data))
	})
}

var declaration = regexp.MustCompile(`<![^-\[]`)

// tagsOfXML are the tags of a document in words, as encoding/xml reads them.
func tagsOfXML(data []byte) (tags []string, err error) {
	for d := xml.NewDecoder(bytes.NewReader(data)); ; {
		token, err := d.RawToken()
		switch token := token.(type) {
		case xml.StartElement:
			tag := withoutPrefix(token.Name)
			for _, a := range token.Attr {
				tag += fmt.Sprintf(" %s=%q", strings.TrimPrefix(a.Name.Space+":"+a.Name.Local, ":"), a.Value)
			}
			tags = append(tags, tag)
		case xml.EndElement:
			tags = append(tags, "/"+withoutPrefix(token.Name))
		}
		if err == io.EOF {
			return tags, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// withoutPrefix is a name without what comes before its first colon.
func withoutPrefix(name xml.Name) string {
	if _, local, found := strings.Cut(name.Local, ":"); found && name.Space == "" {
		return local
	}
	return name.Local
}

// tagsOf are the same as they are read here.
func tagsOf(t *testing.T, data []byte) (tags []string) {
	t.Helper()
	for r := (tagReader{cutter{page: bytes.NewReader(data)}}); ; {
		tag, err := r.nextTag()
		if errors.Is(err, ErrTruncated) {
			return tags
		}
		require.NoError(t, err)
		name, rest, end, empty := tagName(tag)
		if end {
			tags = append(tags, "/"+string(name))
			continue
		}
		text := string(name)
		require.NoError(t, attributes(rest, func(key, value []byte) { text += fmt.Sprintf(" %s=%q", key, unescape(value)) }))
		tags = append(tags, text)
		if empty {
			tags = append(tags, "/"+string(name))
		}
	}
}
