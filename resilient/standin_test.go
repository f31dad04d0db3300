package resilient

import (
	"context"
	"crypto/x509"
	"io"
	"log"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

// standIn is the stand-in for Resilient, behind a socket.
type standIn struct {
	*soar.Server
	http *httptest.Server
}

func stand(t *testing.T, o soar.Options) standIn {
	t.Helper()
	s := standIn{Server: soar.New(o)}
	s.http = httptest.NewUnstartedServer(s.Server)
	s.http.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.http.StartTLS()
	t.Cleanup(s.http.Close)
	return s
}

// client makes a client with the API key of the stand-in.
func (s standIn) client(t *testing.T, edit ...func(*Options)) *Client {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(s.http.Certificate())
	o := Options{URL: s.http.URL, Org: "Demo", KeyID: "demo", KeySecret: "demo", RootCAs: pool}
	for _, e := range edit {
		e(&o)
	}
	c, err := New(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close(context.Background())) })
	return c
}

// asUser takes the API key from a client, and logs it in as the user.
func asUser(o *Options) {
	o.KeyID, o.KeySecret, o.Email, o.Password = "", "", "demo@example.com", "demo"
}

// open opens an incident.
func open(t *testing.T, c *Client) int64 {
	t.Helper()
	ref, err := c.CreateIncident(t.Context(), NewIncident{Incident: incident.Incident{Key: "k", Name: "n"}})
	require.NoError(t, err)
	return ref.ID
}
