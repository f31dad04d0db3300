package resilient

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
)

func TestConnect(t *testing.T) {
	s := serve(t, nil)
	s.fields = `[
		{"name":"name","text":"Name","prefix":null,"required":"always"},
		{"name":"sepwatch_key","text":"Key","prefix":"properties","required":"always"},
		{"name":"site","text":"Site","prefix":"properties","required":"always"},
		{"name":"verdict","text":"Verdict","prefix":"properties","required":"close"},
		{"name":"workspace","text":"Workspace","prefix":null,"required":"always","default_chosen_by_server":true},
		{"name":"resolution_id","text":"Resolution","prefix":null,"required":"close"},
		{"name":"extra","text":"Extra","prefix":"properties"}]`
	p, err := s.client(t).Connect(t.Context())
	require.NoError(t, err)
	require.Equal(t, Platform{
		OrgID: 201, OrgName: "Demo", Version: "51.0.9.0.20848", HasKeyField: true,
		Unfit: []Unfit{{`org "Demo" requires the incident field "Site" (site), which sepwatch does not fill`,
			"set it under resilient.fields, or make site optional, or required on close only"}},
		OpenOnClose: []Field{{Name: "verdict", Label: "Verdict"}},
		Tables: map[string]Table{"sep_groups": {ID: 1000, Label: "Groups", Columns: map[string]Column{
			"t": {ID: 90, Label: "T", Type: incident.ColumnText}, "n": {ID: 92, Label: "N", Type: incident.ColumnNumber}}}},
		ArtifactTypes: map[incident.ArtifactType]ArtifactType{incident.IPAddress: {ID: 1}, "RFC 822 Email Message File": {ID: 4, Repeats: true}},
		MaxAttachment: 25 << 20, MaxFileArtifact: 25 << 20,
	}, p)
	require.Equal(t, "include_permissions=false", s.sentTo("GET /rest/session")[0].query)

	s.fields = `[{"name":"sepwatch_key","prefix":null}]`
	p, err = s.client(t).Connect(t.Context())
	require.NoError(t, err)
	require.False(t, p.HasKeyField, "it is not a custom field")
}

func TestChoosesTheOrganization(t *testing.T) {
	const orgs = `"orgs":[{"id":201,"name":"u-2","uuid":"u-1","cloud_account":null},
		{"id":202,"name":"B","uuid":"u-2","cloud_account":"acme"},{"id":203,"name":"Off","uuid":"u-3","enabled":false}]`
	for _, tt := range []struct {
		name, org, session string
		id                 int
		text               string
	}{
		{"by account", "acme", orgs, 202, ""},
		{"by UUID", "u-1", orgs, 201, ""},
		{"by name", "B", orgs, 202, ""},
		{"the first that matches", "u-2", orgs, 201, ""},
		{"other case", "b", orgs, 0, `not a member of organization "b": set resilient.org to one of "u-2", "B", "Off", in the same case`},
		{"not configured", "", orgs, 0, `no organization is configured: set resilient.org to one of "u-2", "B", "Off"`},
		{"disabled", "Off", orgs, 0, `"Off" is disabled for this API key from the address "192.0.2.9"`},
		{"no orgs", "B", `"orgs":[]`, 0, "not a member of any organization"},
		{"null orgs", "B", `"orgs":null`, 0, "not a member of any organization"},
		{"null account, empty org", "", `"orgs":[{"id":1,"name":"","uuid":null,"cloud_account":null}]`, 0, "no organization is configured"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, nil)
			s.session = `{"session_ip":"192.0.2.9",` + tt.session + `}`
			s.answers = map[string]http.HandlerFunc{"GET /rest/orgs/202/types": say(200, typesOf(demoFields, demoTypes))}
			p, err := s.client(t, func(o *Options) { o.Org = tt.org }).Connect(t.Context())
			if tt.text != "" {
				requireError(t, err, Unauthorized, tt.text)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.id, p.OrgID)
		})
	}
}

func TestConnectIsKeptUntil401OrForget(t *testing.T) {
	s := serve(t, map[string]http.HandlerFunc{
		"GET /incidents/7/comments": inTurn(say(200, "[]"), say(200, "[]"), say(401, ""), say(200, "[]")),
	})
	c := s.client(t)
	notes := func() error {
		_, err := c.Notes(t.Context(), 7)
		return err
	}
	require.NoError(t, notes())
	require.NoError(t, notes())
	require.Len(t, s.sentTo("GET /rest/session"), 1)
	require.ErrorIs(t, notes(), ErrUnauthorized)
	require.Len(t, s.sentTo("GET /rest/session"), 1, "a 401 is not tried again")
	require.NoError(t, notes())
	require.Len(t, s.sentTo("GET /rest/session"), 2)
	c.Forget()
	require.NoError(t, notes())
	require.Len(t, s.sentTo("GET /rest/session"), 3)
}

// transport answers without sockets, so that synctest can tell when everybody
// waits.
type transport func(*http.Request) (int, string)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := f(r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r,
	}, nil
}

func offline(t *testing.T, f transport) *Client {
	t.Helper()
	c, err := New(Options{URL: "https://soar.example.com", Org: "Demo", KeyID: "key", KeySecret: "hidden"})
	require.NoError(t, err)
	c.http.SetTransport(f)
	return c
}

// learned is what a connect learns besides the session.
func learned(r *http.Request) (body string, ok bool) {
	switch {
	case strings.HasSuffix(r.URL.Path, "/types"):
		return typesOf(demoFields, demoTypes), true
	case strings.HasSuffix(r.URL.Path, "/const"):
		return demoConstants, true
	}
	return "", false
}

func TestOneConnectForMany(t *testing.T) {
	for status, class := range map[int]Class{200: "", 401: Unauthorized} {
		synctest.Test(t, func(t *testing.T) {
			connects, answer := 0, make(chan struct{})
			c := offline(t, func(r *http.Request) (int, string) {
				if body, ok := learned(r); ok {
					return 200, body
				}
				connects++
				<-answer
				return status, demoSession
			})
			errs := make(chan error, 50)
			for range 50 {
				go func() {
					_, err := c.Connect(t.Context())
					errs <- err
				}()
			}
			synctest.Wait()
			close(answer)
			for range 50 {
				require.Equal(t, class, classOf(<-errs))
			}
			require.Equal(t, 1, connects)
		})
	}
}

func TestWaiterTakesOverAnAbandonedConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		connects := 0
		c := offline(t, func(r *http.Request) (int, string) {
			if body, ok := learned(r); ok {
				return 200, body
			}
			if connects++; connects == 1 {
				<-r.Context().Done()
			}
			return 200, demoSession
		})
		leaving, leave := context.WithCancel(t.Context())
		first, second := make(chan error, 1), make(chan error, 1)
		connect := func(ctx context.Context, done chan error) {
			_, err := c.Connect(ctx)
			done <- err
		}
		go connect(leaving, first)
		synctest.Wait()
		go connect(t.Context(), second)
		synctest.Wait()
		leave()
		require.ErrorIs(t, <-first, context.Canceled)
		require.NoError(t, <-second)
		require.Equal(t, 2, connects)
	})
}

// A write is over within one time-out, however long the connect before it takes.
func TestAWriteIsBoundedAsAWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := offline(t, func(r *http.Request) (int, string) {
			select {
			case <-r.Context().Done():
			case <-time.After(20 * time.Second):
			}
			if body, ok := learned(r); ok {
				return 200, body
			}
			return 200, demoSession
		})
		start := c.options.Now()
		_, err := c.CreateIncident(t.Context(), NewIncident{Incident: incident.Incident{Key: "k"}})
		require.Error(t, err)
		require.NotEqual(t, Ambiguous, classOf(err), "the create was not sent")
		require.Equal(t, c.Timeout(), c.options.Now().Sub(start))
	})
}
