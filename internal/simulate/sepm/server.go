package sepm

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	root = "/sepm/api/v1"
	// maxRequestLine is where Tomcat gives up on a request line (its default
	// header limit), so a client cannot put its whole fleet in one query.
	maxRequestLine = 8000
	// maxBody is generous for JSON; nothing at this level is larger.
	maxBody = 1 << 20
)

// Server is the stand-in. Serve it with TLS: SEPM speaks nothing else.
type Server struct {
	opt    Options
	mux    *http.ServeMux
	steady json.RawMessage // see the function of that name

	mu          sync.Mutex
	fleet       fleet
	tokens      map[string]session
	calls       map[string]int // by operation
	windowStart time.Time      // of the throttle
	windowCalls int
}

// New makes a SEPM.
func New(opt Options) *Server {
	opt.setDefaults()
	s := &Server{opt: opt, mux: http.NewServeMux(), steady: steady(opt.Release), tokens: map[string]session{}, calls: map[string]int{}}
	s.addAll(opt.Computers)
	s.opt.Computers = nil
	for _, op := range []struct {
		pattern string
		who     access
		handle  func(http.ResponseWriter, *http.Request) error
	}{
		{"POST /identity/authenticate", anybody, s.authenticate},
		{"POST /identity/logout", anybody, s.logout},
		{"GET /version", anybody, s.version},
		{"GET /domains", account, s.domains},
		{"GET /sessions/currentuser", account, s.currentUser},
		{"GET /computers", administrator, s.computers},
	} {
		method, path, _ := strings.Cut(op.pattern, " ")
		s.mux.Handle(method+" "+root+path, s.operation(op.pattern, op.who, op.handle))
	}
	s.mux.Handle("/", s.operation("unknown", anybody, func(_ http.ResponseWriter, r *http.Request) error {
		return fail(http.StatusNotFound, "There is no resource %s.", r.URL.Path)
	}))
	return s
}

// access is who may call an operation (contract: A1).
type access int

const (
	anybody       access = iota // no token
	account                     // any token
	administrator               // a token with rights
)

// operation counts and guards a call and turns its error into SEPM's.
func (s *Server) operation(name string, who access, handle func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := s.admit(name)
		if err == nil {
			err = s.authorize(r, who)
		}
		if err == nil {
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			err = handle(w, r)
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
		s.refuse(w, fail(http.StatusBadRequest, "Request header is too large"))
	case strings.Contains(r.URL.Path, "//"):
		// An empty id: Spring's firewall refuses it with 500 (contract: A1).
		s.count("double slash")
		s.refuse(w, fail(http.StatusInternalServerError, "The request was rejected because the URL was not normalized."))
	default:
		s.mux.ServeHTTP(w, r)
	}
}

// Requests is how many requests have come, answered well or not.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	total := 0
	for _, n := range s.calls {
		total += n
	}
	return total
}

// Calls is how many requests have come for each operation, by "GET
// /computers" and the like.
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

// admit counts a call and holds it against the throttle: a window of a minute
// that begins with its first call (contract: A4).
func (s *Server) admit(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[name]++
	if s.opt.Throttle == 0 {
		return nil
	}
	if now := s.opt.Now(); s.windowStart.IsZero() || now.Sub(s.windowStart) >= time.Minute {
		s.windowStart, s.windowCalls = now, 0
	}
	s.windowCalls++
	if s.windowCalls > s.opt.Throttle {
		return fail(http.StatusTooManyRequests, "Too many requests.")
	}
	return nil
}

// failure is an error as SEPM answers it.
type failure struct {
	status int
	body   any // nil is an empty body
	text   string
}

func (f *failure) Error() string { return f.text }

// fail is an error in the common shape (contract: A3).
func fail(status int, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	return &failure{status: status, text: text, body: object{
		"errorCode": fmt.Sprint(status), "appErrorCode": "", "errorMessage": text,
	}}
}

func (s *Server) refuse(w http.ResponseWriter, err error) {
	f, ok := err.(*failure) //nolint:errorlint // handlers return it bare
	if !ok {
		f, _ = fail(http.StatusInternalServerError, "%v", err).(*failure) //nolint:errorlint // as above
	}
	if s.opt.HTMLErrors {
		w.Header().Set("Content-Type", "text/html;charset=utf-8")
		w.WriteHeader(f.status)
		// A client that has gone is no error of ours, here and in reply.
		_, _ = fmt.Fprintf(w, "<!doctype html><html><head><title>HTTP Status %d</title></head><body><h1>HTTP Status %[1]d – %s</h1></body></html>",
			f.status, http.StatusText(f.status))
		return
	}
	if f.body == nil {
		w.WriteHeader(f.status)
		return
	}
	reply(w, f.status, f.body)
}

// Refuse answers with an error in the server's own form, as its faults do
// (see the package fault).
func (s *Server) Refuse(w http.ResponseWriter, code int) {
	s.refuse(w, fail(code, "%s", http.StatusText(code)))
}

func reply(w http.ResponseWriter, status int, body any) {
	data, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	write(w, status, data)
}

func write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func decode(r *http.Request, into any) error {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return fail(http.StatusBadRequest, "The request body could not be read.")
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fail(http.StatusBadRequest, "The request body is not valid JSON.")
	}
	return nil
}
