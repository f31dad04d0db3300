package sepclient

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func TestCutPage(t *testing.T) {
	for page, want := range map[string][]string{
		`{"content":[],"lastPage":true}`:                               {},
		` { "Content" : [ {"a":"]}\"\\"} , 1,"x" ,null ] } `:           {`{"a":"]}\"\\"}`, `1`, `"x"`, `null`},
		`{"lastPage":true,"x":{"content":[1]},"content":[[1,[2]],{}]}`: {`[1,[2]]`, `{}`},
		`{"lastPage":true}`:                                            nil,
		`{"content":null}`:                                             nil,
		`{}`:                                                           nil,
	} {
		for name, reader := range readers(page) {
			rest, got, err := cut(reader)
			require.NoError(t, err, "%s, %s", page, name)
			require.True(t, json.Valid(rest), "%s: %s", page, rest)
			require.Equal(t, want, got, "%s, %s", page, name)
		}
	}
	for _, page := range []string{"", "[]", "<html>", `{"content":[1`, `{"content":[1 2]}`, `{"content":["a]}`, `{"content":[{]}`, `{"a" 1}`, `{"a":1 "b":2}`, `{} x`} {
		for name, reader := range readers(page) {
			_, _, err := cut(reader)
			require.ErrorIs(t, err, errNoJSON, "%s, %s", page, name)
		}
	}
	for page := range strings.Lines("{\"content\":[{\"a\":\"b\n{\"content\":[1,\n{") {
		_, _, err := cut(io.MultiReader(strings.NewReader(page), iotest.ErrReader(io.ErrUnexpectedEOF)))
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, page)
	}
}

// readers give a page in one piece and byte by byte.
func readers(page string) map[string]io.Reader {
	return map[string]io.Reader{"whole": strings.NewReader(page), "by byte": iotest.OneByteReader(strings.NewReader(page))}
}

// cut collects what cutPage finds; content is nil where there is none.
func cut(page io.Reader) (rest []byte, content []string, err error) {
	objects := []string{}
	rest, found, err := cutPage(page, func(object []byte) error {
		objects = append(objects, string(object))
		return nil
	})
	if found {
		content = objects
	}
	return rest, content, err
}

func TestNameOf(t *testing.T) {
	for computer, want := range map[string]string{
		`{"computerName":"HOST-1"}`:                                     "HOST-1",
		`{"description":"\"computerName\":\"X\"","computerName" : "Ä"}`: "Ä",
		`{"computerName":"A\\B"}`:                                       "",
		`{"computerName":42}`:                                           "",
		`{"COMPUTERNAME":"X"}`:                                          "",
		`{"x":"computerName"}`:                                          "",
	} {
		name, plain := nameOf([]byte(computer))
		require.Equal(t, want, name, computer)
		require.Equal(t, want != "", plain, computer)
	}
}

// What is cut out is what encoding/json reads.
func FuzzCutPage(f *testing.F) {
	for _, seed := range []string{
		`{"content":[{"computerName":"A"},1.5e3,"\"]"],"lastPage":false,"totalElements":2}`, `{"content":[],"content":[1]}`,
		`{"a":[{}],"content":[[["}"]]]}`, `{"content":[true,null]}x`, `[`, `{"content":[{"computerName":"a\u0041"}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		rest, content, err := cut(iotest.HalfReader(bytes.NewReader(body)))
		var want struct{ Content []json.RawMessage }
		if !json.Valid(body) || json.Unmarshal(body, &want) != nil || strings.Count(strings.ToLower(string(body)), "content") != 1 {
			return // other text is only not to make it panic
		}
		require.NoError(t, err)
		require.True(t, json.Valid(rest))
		require.Equal(t, want.Content == nil, content == nil)
		require.Len(t, content, len(want.Content))
		for i, v := range content {
			require.Equal(t, string(want.Content[i]), v)
		}
	})
}

// BenchmarkPage reads a page of 500 computers of which a walk wants five.
func BenchmarkPage(b *testing.B) {
	var text strings.Builder
	text.WriteString(`{"content":[`)
	for i := range 500 {
		if i > 0 {
			text.WriteByte(',')
		}
		fmt.Fprintf(&text, `{"agentId":"x","computerName":"HOST-%d"`, i)
		for field := range 120 {
			fmt.Fprintf(&text, `,"someOtherField%d":"some value %d"`, field, i)
		}
		text.WriteString(`,"group":{"id":"G","domain":{"id":"D"}}}`)
	}
	text.WriteString(`],"lastPage":false,"totalElements":20000}`)
	body := []byte(text.String())
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		var p page[computerDTO]
		d := pageDecoder[computerDTO]{page: &p, keep: func(computer []byte) bool {
			name, plain := nameOf(computer)
			return !plain || strings.HasSuffix(name, "77")
		}}
		require.NoError(b, d.decode(bytes.NewReader(body)))
		require.Len(b, p.items, 5)
	}
}
