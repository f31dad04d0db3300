package app

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/config"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/internal/simulate/serve"
)

// withSecond is the world's configuration with a second manager, which is at
// the url, before or after the first one.
func (w *world) withSecond(url, password string, before bool) *config.Config {
	w.t.Helper()
	second := fmt.Sprintf("{name: second, url: %q, username: admin, password: %s, ca_file: http.pem, domain: Default}", url, password)
	if before {
		return w.load("sepm: [", "sepm: ["+second+", ")
	}
	return w.load("requests_per_minute: 0}]\nresilient", "requests_per_minute: 0}, "+second+"]\nresilient")
}

// Of several managers the first is asked; a reload that puts another one first
// goes over to it.
func TestLookupsAskTheFirstManager(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := sepm.New(sepm.Options{Computers: []sepm.Computer{{Name: "HOST-2", ID: strings.Repeat("C", 32)}}})
	cert, ca, err := serve.SelfSigned()
	require.NoError(t, err)
	otherHTTP, err := serve.Start("127.0.0.1:0", &cert, other)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, otherHTTP.Close()) })
	w.files["http.pem"] += string(ca)

	w.start(w.withSecond(otherHTTP.URL(), "admin", false), nil)
	w.send("sepm@example.com", "HOST-1")
	w.delivered(1)
	require.Empty(t, other.Calls(), "nobody logs in to what is not asked")

	require.NoError(t, w.app.Reload(w.withSecond(otherHTTP.URL(), "admin", true)))
	require.Contains(t, w.log.String(), `changed="the order of sepm"`)
	w.send("sepm@example.com", "HOST-2")
	w.delivered(2)
	require.Equal(t, 1, other.Calls()["POST /identity/authenticate"])
	w.stop()
	require.Equal(t, 1, w.sepm.Calls()["POST /identity/logout"])
	require.Equal(t, 1, other.Calls()["POST /identity/logout"])
}

// Entries of one account are probed one after the other, and SEPM gets a wrong
// password once: it locks accounts.
func TestProbesOfManagersTryAPasswordOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.files["sepm"] = "wrong"
	c := w.load()
	var probes []Probe
	ProbeAll(t.Context(), w.withSecond(c.SEPM[0].URL, "wrong", false), 20*time.Second, func(p Probe) {
		if p.Name == "SEPM" {
			probes = append(probes, p)
		}
	})
	require.Len(t, probes, 2)
	require.False(t, probes[0].OK || probes[1].OK)
	require.Equal(t, []string{"main", "second"}, []string{probes[0].Target, probes[1].Target})
	require.Equal(t, 1, w.sepm.Calls()["POST /identity/authenticate"])
}
