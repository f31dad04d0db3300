package sepm

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	root = "/sepm/api"
	// maxRequestLine is where Tomcat gives up on a request line (its default
	// header limit), so a client cannot put its whole fleet in one query.
	maxRequestLine = 8000
	// maxBody holds a fingerprint list of a hundred thousand hashes.
	maxBody = 16 << 20
)

// Server is the stand-in. Serve it with TLS: SEPM speaks nothing else.
type Server struct {
	opt    Options
	mux    *http.ServeMux
	steady json.RawMessage // see the function of that name

	// mu guards what follows. It is held while an answer is put together and
	// never while a request is read.
	mu          sync.Mutex
	fleet       fleet
	groups      map[string]*group // by id
	lists       []*list           // in the order in which they were made
	queue       queue
	events      []Event
	tokens      map[string]session
	refreshes   map[string]session // by refresh token
	logins      int
	calls       map[string]int // by operation
	hooks       map[string][]func()
	windowStart time.Time // of the throttle
	windowCalls int
}

// New makes a SEPM.
func New(opt Options) *Server {
	opt.setDefaults()
	s := &Server{opt: opt, mux: http.NewServeMux(), steady: steady(opt.Release), groups: map[string]*group{}, queue: newQueue(),
		events: slices.Clone(opt.Events), tokens: map[string]session{}, refreshes: map[string]session{},
		calls: map[string]int{}, hooks: map[string][]func(){}}
	for _, d := range opt.Domains {
		s.addGroup(Group{Name: rootGroup}, d)
		s.addGroup(Group{Name: defaultGroup}, d)
	}
	for _, g := range opt.Groups {
		s.addGroup(g, opt.Domains[0])
	}
	s.addAll(opt.Computers)
	s.opt.Computers = nil
	for _, op := range s.operations() {
		s.mux.Handle(op.pattern(), s.guarded(op))
	}
	s.mux.Handle("/", s.guarded(operation{name: "unknown", handle: func(c *call) error {
		return fail(http.StatusNotFound, "There is no resource %s.", c.r.URL.Path)
	}}))
	return s
}

// access is who may call an operation (contract: A1).
type access int

const (
	anybody       access = iota // no token
	account                     // any token
	administrator               // a token with rights
)

// operation is one that a client can ask for. Its name is the method and the
// path below /sepm/api/v1, or /v2/… below /sepm/api.
type operation struct {
	name   string
	who    access
	handle handler
	newer  bool // 14.2 does not have it
}

func (op operation) pattern() string {
	method, path, _ := strings.Cut(op.name, " ")
	switch {
	case strings.HasPrefix(path, "/v2/"):
		return method + " " + root + path
	case strings.HasPrefix(path, "/oauth/"):
		return method + " /sepm" + path
	}
	return method + " " + root + "/v1" + path
}

// operations are all that are answered.
func (s *Server) operations() []operation {
	all := []operation{
		{name: "POST /identity/authenticate", who: anybody, handle: s.authenticate},
		{name: "POST /identity/logout", who: anybody, handle: s.logout},
		{name: "POST /oauth/token", who: anybody, handle: s.refresh},
		{name: "GET /version", who: anybody, handle: s.version},
		{name: "GET /domains", who: account, handle: s.domains},
		{name: "GET /sessions/currentuser", who: account, handle: s.currentUser},

		{name: "GET /computers", who: administrator, handle: s.listComputers},
		{name: "PATCH /computers", who: administrator, handle: s.moveComputers},
		{name: "DELETE /computers/{id}", who: administrator, handle: s.deleteComputer},
		{name: "POST /computers/delete", who: administrator, handle: s.deleteComputers},

		{name: "GET /groups", who: administrator, handle: s.listGroups},
		{name: "GET /groups/{group}", who: administrator, handle: s.getGroup},
		{name: "POST /groups/{group}", who: administrator, handle: s.createGroup},
		{name: "PATCH /groups/{group}", who: administrator, handle: s.changeGroup},
		{name: "DELETE /groups/{group}", who: administrator, handle: s.deleteGroup},
		{name: "GET /groups/{group}/computers", who: administrator, handle: s.groupComputers},
		{name: "GET /groups/{group}/locations", who: administrator, handle: s.locations},
		{name: "PUT /groups/{group}/system-lockdown/fingerprints/{list}", who: administrator, handle: s.assignList},

		{name: "POST /command-queue/activescan", who: administrator, handle: s.scanCommand(activeScan)},
		{name: "POST /command-queue/fullscan", who: administrator, handle: s.scanCommand(fullScan)},
		{name: "POST /command-queue/updatecontent", who: administrator, handle: s.updateCommand},
		{name: "POST /command-queue/quarantine", who: administrator, handle: s.quarantineCommand},
		{name: "POST /command-queue/eoc", who: administrator, handle: s.eocCommand},
		{name: "POST /command-queue/files", who: administrator, handle: s.filesCommand},
		{name: "GET /command-queue/{id}", who: administrator, handle: s.commandStatus},
		{name: "POST /command-queue/{id}/cancel", who: administrator, handle: s.cancelCommand},
		{name: "GET /command-queue/file/{id}/content", who: administrator, handle: s.fileContent},
		{name: "GET /command-queue/file/{id}/details", who: administrator, handle: s.fileDetails},
		{name: "GET /requested-files/{sha256}/content", who: administrator, handle: s.requestedContent, newer: true},

		{name: "GET /events/critical", who: administrator, handle: s.criticalEvents},
		{name: "POST /events/acknowledge/{id}", who: administrator, handle: s.acknowledge},
		{name: "GET /stats/client/onlinestatus", who: account, handle: s.onlineStatus},
		{name: "GET /policies/summary", who: administrator, handle: s.policySummary},
		{name: "GET /policies/summary/{type}", who: administrator, handle: s.policySummary},
		{name: "GET /policies/firewall/{id}", who: administrator, handle: s.firewallPolicy},
	}
	for _, version := range []struct {
		prefix string
		v2     bool
	}{{"", false}, {"/v2", true}} {
		all = append(all, operation{name: "GET " + version.prefix + "/policies/exceptions/{id}", who: administrator, handle: s.exceptionsPolicy(version.v2), newer: version.v2})
		if version.v2 && s.opt.NoV2 {
			continue
		}
		lists := version.prefix + "/policy-objects/fingerprints"
		all = append(all,
			operation{name: "GET " + lists, who: administrator, handle: s.findList(version.v2), newer: version.v2},
			operation{name: "POST " + lists, who: administrator, handle: s.createList(version.v2), newer: version.v2},
			operation{name: "GET " + lists + "/{id}", who: administrator, handle: s.getList(version.v2), newer: version.v2},
			operation{name: "POST " + lists + "/{id}", who: administrator, handle: s.replaceList(version.v2), newer: version.v2},
			operation{name: "DELETE " + lists + "/{id}", who: administrator, handle: s.deleteList, newer: version.v2})
	}
	if s.opt.Release == V142 {
		all = slices.DeleteFunc(all, func(op operation) bool { return op.newer })
	}
	return all
}

// Operations are the names of everything that a client of 14.3 can ask for, as
// in [Server.Calls].
func Operations() []string {
	var s Server // whose handlers are not called
	var names []string
	for _, op := range s.operations() {
		names = append(names, op.name)
	}
	slices.Sort(names)
	return names
}

// guarded counts and guards a call and turns its error into SEPM's.
func (s *Server) guarded(op operation) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{r: r, w: w}
		hooks, err := s.admit(op.name)
		if err == nil {
			c.login, err = s.authorize(r, op.who)
		}
		if err == nil {
			for _, hook := range hooks {
				hook()
			}
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			err = op.handle(c)
		}
		if err != nil {
			s.refuse(w, err)
		}
	})
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.opt.CloseAfterPost && r.Method == http.MethodPost {
		w.Header().Set("Connection", "close")
	}
	line := len(r.Method) + len(" ") + len(r.RequestURI) + len(" HTTP/1.1")
	switch {
	case line > maxRequestLine:
		s.count("too long")
		s.refuse(w, failPage(http.StatusBadRequest, "Request header is too large"))
	case strings.Contains(r.URL.Path, "//"):
		// An empty id: Spring's firewall refuses it with 500 (contract: A1).
		s.count("double slash")
		s.refuse(w, failPage(http.StatusInternalServerError, "The request was rejected because the URL was not normalized."))
	default:
		s.mux.ServeHTTP(w, r)
	}
}

// Requests is how many requests have come, answered well or not.
func (s *Server) Requests() int {
	total := 0
	for _, n := range s.Calls() {
		total += n
	}
	return total
}

// Calls is how many requests have come for each operation, by "GET
// /computers", "GET /v2/policy-objects/fingerprints" and the like.
func (s *Server) Calls() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.calls)
}

func (s *Server) count(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[name]++
}

// Before calls f in each request for an operation, named as in [Server.Calls],
// before it is handled: so a test does what a person does meanwhile. f may
// call the server's methods.
func (s *Server) Before(operation string, f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks[operation] = append(s.hooks[operation], f)
}

// admit counts a call, holds it against the throttle, a window of a minute
// that begins with its first call (contract: A4), and gives its hooks.
func (s *Server) admit(name string) ([]func(), error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[name]++
	if s.opt.Throttle == 0 {
		return s.hooks[name], nil
	}
	if now := s.opt.Now(); s.windowStart.IsZero() || now.Sub(s.windowStart) >= time.Minute {
		s.windowStart, s.windowCalls = now, 0
	}
	s.windowCalls++
	if s.windowCalls > s.opt.Throttle {
		return nil, fail(http.StatusTooManyRequests, "Too many requests.")
	}
	return s.hooks[name], nil
}
