package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/netutil"
)

// What a client may take: it has little to say.
const (
	maxHeader      = 16 << 10
	maxConnections = 64
	readTimeout    = 5 * time.Second
	writeTimeout   = 30 * time.Second
	idleTimeout    = time.Minute
	// closeTimeout bounds how long answers under way hold up a stop.
	closeTimeout = 3 * time.Second
)

// server serves the pages at the address listen.
type server struct {
	listener net.Listener
	http     *http.Server
	logger   *slog.Logger
}

// newServer takes the address; nothing is answered before run.
func newServer(ctx context.Context, address string, h http.Handler, logger *slog.Logger) (*server, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		if op := new(net.OpError); errors.As(err, &op) {
			err = op.Err // its text repeats the address
		}
		return nil, fmt.Errorf("listen: cannot serve at %s: %w: give another address, or stop what has this one", address, err)
	}
	return &server{
		listener: netutil.LimitListener(l, maxConnections),
		logger:   logger,
		http: &http.Server{
			Handler: h, MaxHeaderBytes: maxHeader,
			ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
			ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
		},
	}, nil
}

// run serves until ctx ends, and then lets answers under way come to their
// end.
func (s *server) run(ctx context.Context) {
	var closing sync.WaitGroup
	closing.Go(func() {
		<-ctx.Done()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		if s.http.Shutdown(ctx) != nil {
			s.http.Close() // says no more than that there were connections
		}
	})
	s.logger.Info("serving "+strings.Join(pages, ", "), "address", s.listener.Addr())
	if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		s.logger.Error("listen: nothing is served any more; restart sepwatch", "address", s.listener.Addr(), "error", err)
	}
	closing.Wait()
}

// close gives the address back where run was not called.
func (s *server) close() error { return s.listener.Close() }

var pages = []string{"/healthz", "/readyz", "/metrics"}

// newHandler routes to the pages. Nothing else is there, and nothing can be
// changed.
func newHandler(alive, ready func() []check, metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/healthz", checks(alive, http.StatusInternalServerError))
	mux.Handle("/readyz", checks(ready, http.StatusServiceUnavailable))
	mux.Handle("/metrics", metrics)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no such page; there are "+strings.Join(pages, ", "), http.StatusNotFound)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// checks answers with what was looked at, and with the status bad unless all
// is well.
func checks(look func() []check, bad int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		asJSON, err := wantsJSON(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		status := http.StatusOK
		found := look()
		for _, c := range found {
			if !c.OK {
				status = bad
			}
		}
		// A client that has left needs no answer.
		if asJSON {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(struct {
				OK     bool    `json:"ok"`
				Checks []check `json:"checks"`
			}{status == http.StatusOK, found})
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		for _, c := range found {
			if c.OK {
				c.Why = "ok"
			}
			_, _ = io.WriteString(w, c.Name+": "+c.Why+"\n")
		}
	}
}

func wantsJSON(r *http.Request) (bool, error) {
	switch r.URL.Query().Get("format") {
	case "json":
		return true, nil
	case "text":
		return false, nil
	case "":
	default:
		return false, errors.New("no such format; there are json and text")
	}
	for accepted := range strings.SplitSeq(r.Header.Get("Accept"), ",") {
		if kind, _, err := mime.ParseMediaType(accepted); err == nil && kind == "application/json" {
			return true, nil
		}
	}
	return false, nil
}
