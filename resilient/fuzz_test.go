package resilient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/remote"
)

// answering is a Resilient that answers a call with bytes, and the connect
// before it as it should.
type answering struct {
	status int
	body   []byte
	// connects is whether the connect gets the bytes, too.
	connects bool
	// left bounds the requests of one call: a walk over pages ends.
	left int
}

func (a *answering) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	answer := func(status int, body string) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), Request: r,
			Header: http.Header{"Set-Cookie": {"JSESSIONID=x", body}, "Date": {body}},
		}, nil
	}
	if a.left--; a.left < 0 {
		return nil, io.ErrClosedPipe
	}
	known, learns := learned(r)
	switch {
	case a.connects:
	case learns:
		return answer(200, known)
	case strings.HasSuffix(r.URL.Path, "/rest/session"):
		return answer(200, demoSession)
	}
	return answer(a.status, string(a.body))
}

// call is a read or a write.
type call func(context.Context, *Client) (any, error)

// calls are all of them, each with what it gives.
func calls() []call {
	row := incident.Row{Table: "sep_groups", Cells: map[string]incident.Cell{"t": incident.Text("x"), "n": incident.Number(1)}}
	artifact := incident.Artifact{Type: incident.IPAddress, Value: "10.0.0.1"}
	file := func() File { return File{Name: "a", Size: 1, Content: strings.NewReader("x")} }
	done := func(err error) (any, error) { return nil, err }
	return []call{
		func(ctx context.Context, c *Client) (any, error) { return c.Connect(ctx) },
		func(ctx context.Context, c *Client) (any, error) { return c.Probe(ctx) },
		func(ctx context.Context, c *Client) (any, error) {
			return c.CreateIncident(ctx, NewIncident{ByField: true})
		},
		func(ctx context.Context, c *Client) (any, error) {
			return c.FindIncidents(ctx, Lookup{Key: "k", ByField: true})
		},
		func(ctx context.Context, c *Client) (any, error) { return c.FindIncidents(ctx, Lookup{Key: "k"}) },
		func(ctx context.Context, c *Client) (any, error) { return c.Incident(ctx, 7) },
		func(ctx context.Context, c *Client) (any, error) {
			return done(c.PatchIncident(ctx, 7, []Change{{Field: "name"}}))
		},
		func(ctx context.Context, c *Client) (any, error) {
			return done(c.CloseIncident(ctx, 7, Closing{Resolution: "Resolved"}))
		},
		func(ctx context.Context, c *Client) (any, error) { return c.AddArtifact(ctx, 7, artifact) },
		func(ctx context.Context, c *Client) (any, error) { return c.AddFileArtifact(ctx, 7, artifact, file()) },
		func(ctx context.Context, c *Client) (any, error) { return c.Artifacts(ctx, 7) },
		func(ctx context.Context, c *Client) (any, error) { return c.AddNote(ctx, 7, incident.Note{}) },
		func(ctx context.Context, c *Client) (any, error) { return c.Notes(ctx, 7) },
		func(ctx context.Context, c *Client) (any, error) { return c.AddAttachment(ctx, 7, file()) },
		func(ctx context.Context, c *Client) (any, error) { return c.Attachments(ctx, 7) },
		func(ctx context.Context, c *Client) (any, error) { return c.AddRow(ctx, 7, row) },
		func(ctx context.Context, c *Client) (any, error) { return done(c.UpdateRow(ctx, 7, 1, row)) },
		func(ctx context.Context, c *Client) (any, error) { return c.Rows(ctx, 7, "sep_groups") },
		func(ctx context.Context, c *Client) (any, error) {
			_, _ = c.Connect(ctx)
			return done(c.Close(ctx))
		},
	}
}

// FuzzDecodeAnswers gives every read and write any bytes for an answer. None
// may panic; each gives something of a size that goes with the answer's, or a
// typed error that is safe to print; and none takes memory out of proportion.
func FuzzDecodeAnswers(f *testing.F) {
	all := calls()
	for _, seed := range []string{
		``, `null`, `{}`, `[]`, `"x"`, `7`, `<html><body>away</body></html>`, demoSession, demoConstants, typesOf(demoFields, demoTypes),
		`{"id":7,"vers":3,"name":"n","plan_status":"A","create_date":1700000000123,"description":{"format":"html","content":"<p>sepwatch key: k</p>"},
			"severity_code":{"id":4,"name":"Low"},"properties":{"sepwatch_key":"k"}}`,
		`{"recordsTotal":2,"recordsFiltered":2,"data":[{"id":1,"properties":{"sepwatch_key":{"content":"k"}}}]}`,
		`[{"id":1,"type":{"name":2},"value":[1,"a",{"id":3}]},{"id":2,"type":"IP Address","value":"10.0.0.1"}]`,
		`[{"id":1,"text":{"format":"text"},"children":[{"children":[]}]}]`,
		`{"id":1,"rows":[{"id":1,"version":2,"cells":{"90":{"id":null,"value":1e999},"n":{"id":92,"value":{"content":"x"}}}}]}`,
		`{"id":1,"version":2,"cells":{"t":{"id":"t","row_id":1,"value":["a",{"name":"b"}]},"n":{"id":"n"}}}`,
		`[{"id":1,"name":"a.eml","content_type":"message/rfc822","size":5,"created":-9223372036854775808}]`,
		`{"success":false,"title":null,"message":"\u001b[31mno","hints":[],"error_code":"generic"}`,
		`{"success":false,"field_failures":[{"field":{"id":100},"actual_current_value":{"textarea":{"content":"y"}}}]}`,
		`{"csrf_token":"t"}`, `[[[[[[[[{"children":[{"children":[{"children":1}]}]}]]]]]]]]`,
	} {
		for which := range all {
			f.Add(uint8(which), 200, []byte(seed), false, false)
		}
		f.Add(uint8(0), 200, []byte(seed), true, true)
		f.Add(uint8(0), 400, []byte(seed), true, false)
	}
	f.Fuzz(func(t *testing.T, which uint8, status int, body []byte, connects, user bool) {
		options := Options{URL: "https://soar.example.com", Org: "Demo", KeyID: "key", KeySecret: "hidden"}
		if user {
			asUser(&options)
		}
		if status < 200 || status > 599 {
			status = 200 // net/http gives no other
		}
		c, err := New(options)
		require.NoError(t, err)
		c.http.SetTransport(&answering{status: status, body: body, connects: connects, left: 20})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got, err := all[int(which)%len(all)](t.Context(), c)
		runtime.ReadMemStats(&after)
		require.LessOrEqual(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20+20*200*len(body)))
		if err != nil {
			var e *Error
			require.True(t, errors.As(err, &e), err)
			require.NotEmpty(t, e.Class)
			require.Equal(t, remote.Printable(e.Message), e.Message)
			require.Equal(t, remote.Printable(e.Hint), e.Hint)
			require.Less(t, len(err.Error()), 16<<10)
			return
		}
		require.LessOrEqual(t, sizeOf(reflect.ValueOf(got)), 10_000+20*len(body))
	})
}

// sizeOf is about how many bytes of text a value holds. Times are looked at,
// since Resilient may write any number for one.
func sizeOf(v reflect.Value) int {
	if !v.IsValid() {
		return 0
	}
	size := 8
	switch v.Kind() {
	case reflect.String:
		return utf8.RuneCountInString(v.String())
	case reflect.Slice:
		for _, item := range v.Seq2() {
			size += sizeOf(item)
		}
	case reflect.Map:
		for key, item := range v.Seq2() {
			size += sizeOf(key) + sizeOf(item)
		}
	case reflect.Struct:
		if at, ok := v.Interface().(time.Time); ok {
			return len(fmt.Sprint(at))
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				size += sizeOf(v.Field(i))
			}
		}
	}
	return size
}

// FuzzCell holds that what was read as a cell can be sent as one.
func FuzzCell(f *testing.F) {
	for _, seed := range []string{`1e999`, `[1,"a",{"id":3}]`, `{"content":"x"}`, fmt.Sprint(math.MaxInt64), `true`, `""`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		cell := cellOf(data)
		again, err := cell.MarshalJSON()
		require.NoError(t, err)
		if cell.Value() != nil {
			require.Equal(t, cell, cellOf(again))
		}
	})
}
