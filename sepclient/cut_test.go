package sepclient

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

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
		rest, content, err := cutPage([]byte(page))
		require.NoError(t, err, page)
		require.True(t, json.Valid(rest), "%s: %s", page, rest)
		var got []string
		if content != nil {
			got = []string{}
		}
		for _, v := range content {
			got = append(got, string(v))
		}
		require.Equal(t, want, got, page)
	}
	for _, page := range []string{"", "[]", "<html>", `{"content":[1`, `{"content":[1 2]}`, `{"content":["a]}`, `{"content":[{]}`, `{"a" 1}`, `{"a":1 "b":2}`} {
		_, _, err := cutPage([]byte(page))
		require.ErrorIs(t, err, errNoJSON, page)
	}
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
		rest, content, err := cutPage(body)
		var want struct{ Content []json.RawMessage }
		if !json.Valid(body) || json.Unmarshal(body, &want) != nil || strings.Count(strings.ToLower(string(body)), "content") != 1 {
			return // other text is only not to make it panic
		}
		require.NoError(t, err)
		require.True(t, json.Valid(rest))
		require.Equal(t, want.Content == nil, content == nil)
		require.Len(t, content, len(want.Content))
		for i, v := range content {
			require.Equal(t, string(want.Content[i]), string(v))
		}
	})
}

// BenchmarkPage reads a page of 500 computers of which a walk wants five.
func BenchmarkPage(b *testing.B) {
	var page strings.Builder
	page.WriteString(`{"content":[`)
	for i := range 500 {
		if i > 0 {
			page.WriteByte(',')
		}
		fmt.Fprintf(&page, `{"agentId":"x","computerName":"HOST-%d"`, i)
		for field := range 120 {
			fmt.Fprintf(&page, `,"someOtherField%d":"some value %d"`, field, i)
		}
		page.WriteString(`,"group":{"id":"G","domain":{"id":"D"}}}`)
	}
	page.WriteString(`],"lastPage":false,"totalElements":20000}`)
	body := []byte(page.String())
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		var e envelope
		require.NoError(b, e.decode(body))
		wanted := 0
		for _, computer := range e.content {
			if name, plain := nameOf(computer); !plain || strings.HasSuffix(name, "77") {
				var dto computerDTO
				require.NoError(b, json.Unmarshal(computer, &dto))
				wanted++
			}
		}
		require.Equal(b, 5, wanted)
		e.sum()
	}
}
