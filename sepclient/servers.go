package sepclient

import (
	"fmt"
	"net/url"
	"strings"
)

// Server is one of several SEPMs, with the login that it is asked by.
type Server struct {
	// Name is the entry's name in the configuration.
	Name string
	// URL is the server, Domain the name of the domain that the login sees;
	// empty is the administrator's own.
	URL, Domain string
	// Hosts are the names that the server has in its alerts, besides the host
	// of the URL: an alert comes from any manager of a site.
	Hosts  []string
	Client *Client
}

// Servers are the SEPMs that there are.
type Servers struct{ all []Server }

// NewServers takes one server or more. The first is the default.
func NewServers(servers ...Server) (*Servers, error) {
	if len(servers) == 0 {
		return nil, fmt.Errorf("sepm: there is no server")
	}
	names := make(map[string]bool)
	for _, s := range servers {
		if names[s.Name] {
			return nil, fmt.Errorf("sepm: two servers are named %q", s.Name)
		}
		names[s.Name] = true
	}
	return &Servers{all: servers}, nil
}

// Default is the server to ask where nothing says which.
func (s *Servers) Default() Server { return s.all[0] }

// All are all servers, the default first.
func (s *Servers) All() []Server { return s.all }

// Named is the server of a name.
func (s *Servers) Named(name string) (server Server, found bool) {
	for _, server := range s.all {
		if server.Name == name {
			return server, true
		}
	}
	return Server{}, false
}

// Choose is the server to ask about an alert, by its Domain and Server. An
// entry that has both names comes first, then one that has the server's, then
// one that has the domain's, and then the default; of those that fit equally
// well it is the first.
func (s *Servers) Choose(domain, server string) Server {
	best, most := s.all[0], 0
	for _, candidate := range s.all {
		fits := 0
		if candidate.is(server) {
			fits += 2
		}
		if domain != "" && strings.EqualFold(candidate.Domain, domain) {
			fits++
		}
		if fits > most {
			best, most = candidate, fits
		}
	}
	return best
}

// is reports whether the server has a name: one of its own, the host of its
// URL, or that without its domain.
func (s Server) is(name string) bool {
	if name == "" {
		return false
	}
	for _, host := range s.Hosts {
		if strings.EqualFold(host, name) {
			return true
		}
	}
	u, err := url.Parse(s.URL)
	if err != nil {
		return false
	}
	host := u.Hostname()
	first, _, _ := strings.Cut(host, ".")
	return strings.EqualFold(host, name) || strings.EqualFold(first, name) && strings.Trim(first, "0123456789") != ""
}
