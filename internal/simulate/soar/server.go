package soar

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxJSON bounds a request that is not an upload.
const maxJSON = 8 << 20

// Server is the stand-in.
type Server struct {
	opt Options
	who *directory
	mux *http.ServeMux

	// mu guards what follows and everything in the orgs but their fields,
	// types and tables, which never change. Nor do the options. It is held while an answer is put
	// together and never while one is read or written.
	mu       sync.Mutex
	offset   time.Duration
	orgList  []*org
	sessions map[string]login // by cookie
	calls    map[string]int   // by operation
	hooks    []func(Incident)
	lastID   int      // of incidents, which are numbered across orgs
	denied   []string // see Options.Deny

	badLogins   int // in a row
	banned      bool
	failPatches int // see Options.FieldFailures
}

// firstIncident is where incident numbers begin: high enough that nobody
// takes one for a position or an org.
const firstIncident = 2095

// New makes a Resilient.
func New(opt Options) *Server {
	opt.setDefaults()
	s := &Server{opt: opt, mux: http.NewServeMux(), offset: opt.ClockOffset, sessions: map[string]login{},
		calls: map[string]int{}, lastID: firstIncident - 1, who: newDirectory(&opt), denied: opt.Deny, failPatches: opt.FieldFailures}
	for _, o := range opt.Orgs {
		s.orgList = append(s.orgList, newOrg(o, &s.opt, s.who))
	}
	for name, h := range s.sessionRoutes() {
		method, path, _ := strings.Cut(name, " ")
		s.handle(method+" "+opt.ResourcePrefix+"/rest"+path, name, h)
	}
	for name, h := range s.orgRoutes() {
		method, path, _ := strings.Cut(name, " ")
		s.handle(method+" "+opt.ResourcePrefix+"/rest/orgs/{org}"+path, name, s.withOrg(h))
	}
	s.handle(opt.ResourcePrefix+"/", "unknown", s.withPrincipal(s.unknownRoute))
	if opt.ResourcePrefix != "" {
		s.mux.Handle("/", http.NotFoundHandler()) // another product's
	}
	return s
}

// sessionRoutes are the operations outside an org.
func (s *Server) sessionRoutes() map[string]handler {
	return map[string]handler{
		"POST /session":   s.logIn,
		"GET /session":    s.withPrincipal(s.getSession),
		"DELETE /session": s.withPrincipal(s.logOut),
		"GET /const":      s.withPrincipal(s.getConst),
		"GET /orgs/{org}": s.withOrg(s.getOrg),
	}
}

// orgRoutes are the operations of an org, named without it.
func (s *Server) orgRoutes() map[string]handler {
	return map[string]handler{
		"GET /types":                 s.getTypes,
		"GET /types/{type}":          s.getType,
		"GET /types/{type}/fields":   s.getFields,
		"GET /artifact_types":        s.getArtifactTypes,
		"GET /artifact_types/{type}": s.getArtifactType,
		"GET /incident_types":        s.getIncidentTypes,
		"GET /connectors/queues":     noQueues,

		"GET /types/{type}/fields/{field}": s.getField,

		"GET /incidents":              s.listIncidents,
		"GET /incidents/open":         s.listOpen,
		"POST /incidents":             s.createIncident,
		"POST /incidents/query":       s.query,
		"POST /incidents/query_paged": s.queryPaged,
		"GET /incidents/{inc}":        s.getIncident,
		"PATCH /incidents/{inc}":      s.patchIncident,
		"PUT /incidents/{inc}":        s.putIncident,
		"DELETE /incidents/{inc}":     s.deleteIncident,

		"GET /incidents/{inc}/artifacts":               s.getArtifacts,
		"POST /incidents/{inc}/artifacts":              s.postArtifact,
		"POST /incidents/{inc}/artifacts/query_paged":  s.pageArtifacts,
		"POST /incidents/{inc}/artifacts/files":        s.postFileArtifact,
		"GET /incidents/{inc}/artifacts/{id}":          s.getArtifact,
		"PUT /incidents/{inc}/artifacts/{id}":          s.putArtifact,
		"DELETE /incidents/{inc}/artifacts/{id}":       s.deleteArtifact,
		"GET /incidents/{inc}/artifacts/{id}/contents": s.getArtifactContents,

		"GET /incidents/{inc}/comments":         s.getNotes,
		"POST /incidents/{inc}/comments":        s.postNote,
		"POST /incidents/{inc}/comments/query":  s.getNotes,
		"GET /incidents/{inc}/comments/{id}":    s.getNote,
		"PUT /incidents/{inc}/comments/{id}":    s.putNote,
		"DELETE /incidents/{inc}/comments/{id}": s.deleteNote,

		"GET /incidents/{inc}/table_data":                           s.getTables,
		"GET /incidents/{inc}/table_data/{table}":                   s.getTable,
		"POST /incidents/{inc}/table_data/{table}/row_data":         s.postRow,
		"DELETE /incidents/{inc}/table_data/{table}/row_data":       s.deleteRows,
		"GET /incidents/{inc}/table_data/{table}/row_data/{row}":    s.getRow,
		"PUT /incidents/{inc}/table_data/{table}/row_data/{row}":    s.putRow,
		"DELETE /incidents/{inc}/table_data/{table}/row_data/{row}": s.deleteRow,

		"GET /incidents/{inc}/attachments":               s.getAttachments,
		"POST /incidents/{inc}/attachments":              s.postAttachment,
		"GET /incidents/{inc}/attachments/{id}":          s.getAttachment,
		"GET /incidents/{inc}/attachments/{id}/contents": s.getContents,
		"DELETE /incidents/{inc}/attachments/{id}":       s.deleteAttachment,
	}
}

// Operations are the names of everything that a client can ask for, as in
// Calls and [Options.Deny].
func Operations() []string {
	var s Server // whose handlers are not called
	names := slices.Concat(slices.Collect(maps.Keys(s.sessionRoutes())), slices.Collect(maps.Keys(s.orgRoutes())))
	slices.Sort(names)
	return names
}

// call is one request under way.
type call struct {
	operation string // as in Operations, or unknown
	r         *http.Request
	w         http.ResponseWriter // for headers; the body is what the handler returns
	who       *principal
	org       *org
	format    format
}

// handler does a call and returns what to answer.
type handler func(*call) (any, error)

// handle counts calls of a route, named without the org, and answers them.
func (s *Server) handle(pattern, name string, h handler) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.calls[name]++
		now := s.clock()
		s.mu.Unlock()
		w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
		body, err := h(&call{operation: name, r: r, w: w})
		reply(w, body, err)
	})
}

// withPrincipal lets only somebody who is logged in through.
func (s *Server) withPrincipal(h handler) handler {
	return func(c *call) (any, error) {
		who, err := s.principal(c.r)
		if err != nil {
			return nil, err
		}
		c.who = who
		if err := s.allowed(c); err != nil {
			return nil, err
		}
		if c.format, err = formatOf(c.r); err != nil {
			return nil, err
		}
		c.format.perms = s.perms(who)
		return h(c)
	}
}

// withOrg finds the org in the path as well.
func (s *Server) withOrg(h handler) handler {
	return s.withPrincipal(func(c *call) (any, error) {
		id := c.r.PathValue("org")
		for _, o := range s.orgList {
			if strconv.Itoa(o.ID) != id {
				continue
			}
			if err := s.open(c.who, o); err != nil {
				return nil, err
			}
			c.org = o
			return h(c)
		}
		return nil, notFound("organization", id)
	})
}

// open is 403 for an org that is not for the principal (contract: §1.4).
func (s *Server) open(who *principal, o *org) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !who.memberOf(o.ID):
		return refuse(http.StatusForbidden, "You are not a member of the organization %d.", o.ID)
	case o.Disabled:
		return refuse(http.StatusForbidden, "The organization %s is not enabled for this address.", o.Name)
	}
	return nil
}

// SetOrgEnabled sets "enabled" of an org: see [Org.Disabled].
func (s *Server) SetOrgEnabled(id int, enabled bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.orgList {
		if o.ID == id {
			o.Disabled = !enabled
		}
	}
}

// unknownRoute answers as v51 does: 500 to a GET (contract: §1.6).
func (s *Server) unknownRoute(c *call) (any, error) {
	if c.r.Method == http.MethodGet && !s.opt.before(51) {
		return nil, refuse(http.StatusInternalServerError, "Internal Server Error")
	}
	return nil, refuse(http.StatusNotFound, "There is no %s %s.", c.r.Method, c.r.URL.Path)
}

// noQueues answers for the low-code connectors, of which there are none
// (contract: §7.2, §12).
func noQueues(*call) (any, error) {
	return nil, refuse(http.StatusNotFound, "There are no connectors.")
}

// Refuse answers with an error in the server's own form, as its faults do
// (see the package fault).
func (s *Server) Refuse(w http.ResponseWriter, code int) {
	reply(w, nil, refuse(code, "%s", http.StatusText(code)))
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Requests is how many requests have come, answered well or not.
func (s *Server) Requests() int {
	total := 0
	for _, n := range s.Calls() {
		total += n
	}
	return total
}

// Calls is how many requests have come for each operation, named without the
// org: "POST /incidents", "PUT /incidents/{inc}/table_data/{table}/row_data/{row}".
func (s *Server) Calls() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.calls)
}

// clock is the server's time, to the millisecond that it keeps.
func (s *Server) clock() time.Time {
	return s.opt.Now().Add(s.offset).Truncate(time.Millisecond)
}

// decode reads the JSON body.
func (c *call) decode(into any) error {
	data, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxJSON))
	if err != nil {
		return badRequest("The request could not be read.")
	}
	if err := json.Unmarshal(data, into); err != nil {
		return badRequest("The request is not valid JSON for this call.")
	}
	return nil
}

// incident finds the incident in the path. The caller holds s.mu.
func (c *call) incident() (*incident, error) {
	text := c.r.PathValue("inc")
	id, err := strconv.Atoi(text)
	if err != nil {
		return nil, notFound("incident", text)
	}
	inc, ok := c.org.incidents[id]
	if !ok {
		return nil, notFound("incident", id)
	}
	return inc, nil
}

// onIncident runs f on the incident in the path, under the lock.
func (s *Server) onIncident(c *call, f func(*incident) (any, error)) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	inc, err := c.incident()
	if err != nil {
		return nil, err
	}
	return f(inc)
}

// alone runs f while no other upload or patch is under way on the incident:
// two at once collide in the server's database with 409 (contract: §4.2,
// §11.15). The body is to be read within f, which is called without the lock.
func (s *Server) alone(c *call, f func() (any, error)) (any, error) {
	s.mu.Lock()
	inc, err := c.incident()
	if err == nil && inc.busy {
		err = refuse(http.StatusConflict, "The incident %d was changed at the same time.", inc.id)
	}
	if err == nil {
		inc.busy = true
	}
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	defer func() {
		s.mu.Lock()
		inc.busy = false
		s.mu.Unlock()
	}()
	return f()
}

// deleted is the answer to a DELETE.
func (s *Server) deleted() any {
	if s.opt.DeleteNoContent {
		return noContent{}
	}
	return done()
}
