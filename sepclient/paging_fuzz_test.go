package sepclient

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzPages walks a list whose first page is anything, and whose second is the
// last: whatever SEPM sends, the walk ends, with an error of the client's type
// or with all objects of both pages.
func FuzzPages(f *testing.F) {
	for _, seed := range []string{
		`{"content":[{"id":"G1","name":"A","fullPathName":"My Company\\A","domain":{"id":"D","name":null}}],"number":0,"size":25,"lastPage":false,"totalElements":2}`,
		`{"content":[],"lastPage":true}`, `{"content":[],"lastPage":false}`, `{"content":[null,1,"x",[]],"lastPage":"false"}`,
		`{"lastPage":true}`, `[]`, `<html>`, ``, `{"content":[{"created":9e99,"numberOfPhysicalComputers":"x"}],"lastPage":true,"totalPages":-1}`,
		`{"content":[{"id":"LAST"}],"lastPage":false}`, `{"errorCode":"401","errorMessage":"no"}`,
	} {
		f.Add([]byte(seed))
	}
	const last = `{"content":[{"id":"LAST"}],"lastPage":true}`
	f.Fuzz(func(t *testing.T, first []byte) {
		requests := 0
		c := offline(t, func(r *http.Request) (int, string) {
			if isLogin(r) {
				return 200, `{"token":"T"}`
			}
			if requests++; requests == 1 {
				return 200, string(first)
			}
			return 200, last
		})
		var groups []GroupDetails
		var failure error
		for g, err := range c.Groups(t.Context(), GroupQuery{}) {
			require.NoError(t, failure, "an error ends the walk")
			if failure = err; err == nil {
				groups = append(groups, g)
			}
		}
		if failure != nil {
			var e *Error
			require.True(t, errors.As(failure, &e), failure)
			require.LessOrEqual(t, requests, 2)
			return
		}
		var page struct {
			Content  []json.RawMessage
			LastPage bool
		}
		if !json.Valid(first) || json.Unmarshal(first, &page) != nil || strings.Count(strings.ToLower(string(first)), "content") != 1 {
			return // not to end in a panic is all there is to ask for
		}
		want := len(page.Content)
		if !page.LastPage {
			want++
			require.Equal(t, "LAST", groups[len(groups)-1].ID)
		}
		require.Len(t, groups, want)
	})
}
