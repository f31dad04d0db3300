package enrich_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/enrich"
	"github.com/sepwatch/sepwatch/internal/simulate/fault"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/sepclient"
)

// world is a stand-in for SEPM with a client, both by one clock.
type world struct {
	t *testing.T
	*sepm.Server
	client  *sepclient.Client
	options enrich.Options

	mu  sync.Mutex
	now time.Time
}

// newWorld makes a world that is as old as the stand-in's fleets.
func newWorld(t *testing.T, o sepm.Options, faults ...fault.Switch) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2024, 8, 21, 12, 0, 0, 0, time.UTC)}
	o.Now = w.clock
	w.Server = sepm.New(o)
	set := fault.New(1)
	set.On(faults...)
	web := httptest.NewServer(set.Wrap(w.Server))
	client, err := sepclient.New(sepclient.Options{URL: web.URL, Username: "admin", Password: "admin", Domain: "Default", Now: w.clock})
	require.NoError(t, err)
	w.client = client
	t.Cleanup(func() {
		_ = client.Close(context.Background()) // some stand-ins let nobody log out
		set.Close()
		web.Close()
	})
	w.options = enrich.Options{
		Server: "main", Now: w.clock,
		Limits: enrich.Limits{Results: 200, ScanTimeout: 45 * time.Minute, Heartbeat: 15 * time.Minute},
	}
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// pass lets time go by, in which clients do what they were told to.
func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

type inputs = map[string]string

func function(t *testing.T, name string) enrich.Function {
	t.Helper()
	for _, f := range enrich.Functions() {
		if f.Name == name {
			return f
		}
	}
	require.FailNow(t, "no function", name)
	return enrich.Function{}
}

// try gives a whole result, and its content as a workflow gets it.
func (w *world) try(name string, in inputs) (enrich.Result, any, error) {
	w.t.Helper()
	result, err := function(w.t, name).Whole(w.t.Context(), w.client, in, w.options)
	data, failed := json.Marshal(result.Content)
	require.NoError(w.t, failed)
	require.LessOrEqual(w.t, len(data), 1<<20, "a result is at most 1 MiB")
	var content any
	require.NoError(w.t, json.Unmarshal(data, &content))
	return result, content, err
}

// whole is try for what must succeed.
func (w *world) whole(name string, in inputs) any {
	w.t.Helper()
	result, content, err := w.try(name, in)
	require.NoError(w.t, err)
	require.NoError(w.t, result.Problem)
	return content
}

// object is whole for a content that is an object.
func (w *world) object(name string, in inputs) map[string]any {
	w.t.Helper()
	content, ok := w.whole(name, in).(map[string]any)
	require.True(w.t, ok)
	return content
}

// mistake is the input that a function refuses, and why. Nothing is sent.
func (w *world) mistake(name string, in inputs) (input, problem string) {
	w.t.Helper()
	before := w.Requests()
	_, _, err := w.try(name, in)
	var mistake *enrich.InputError
	require.ErrorAs(w.t, err, &mistake)
	require.Equal(w.t, before, w.Requests(), "nothing is sent")
	return mistake.Input, mistake.Problem
}

func list(content map[string]any, key string) []map[string]any {
	var all []map[string]any
	values, _ := content[key].([]any)
	for _, v := range values {
		object, _ := v.(map[string]any)
		all = append(all, object)
	}
	return all
}

func (w *world) ids() string {
	var ids []string
	for _, c := range w.Computers() {
		ids = append(ids, c.ID)
	}
	return strings.Join(ids, ",")
}
