package fault

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Refuser is a server that can say no in its own form.
type Refuser interface {
	Refuse(w http.ResponseWriter, code int)
}

// Wrap puts the set in front of h.
func (s *Set) Wrap(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sw, in, ok := s.draw(r)
		if !ok {
			h.ServeHTTP(w, r)
			return
		}
		defer in.pending.Done()
		switch sw.Kind {
		case Delay:
			wait(sw.Wait, nil, in.now)
			h.ServeHTTP(w, detached(r))
		case Status:
			code := cmp.Or(sw.Code, http.StatusServiceUnavailable)
			if own, ok := h.(Refuser); ok && sw.FromServer {
				own.Refuse(w, code)
			} else {
				refuse(w, code)
			}
		case LostReply:
			// The whole request is read and handled before the connection is
			// touched: what the client sees is an answer that never came.
			h.ServeHTTP(nowhere(), detached(r))
			mustCut(w, false)
		case LateChange:
			late(w, r, h, sw, in.now)
		case Reset:
			mustCut(w, true)
		default:
			http.Error(w, fmt.Sprintf("the fault set has no kind %q", sw.Kind), http.StatusNotImplemented)
		}
	})
}

// late holds the request and handles it when nobody waits any more.
func late(w http.ResponseWriter, r *http.Request, h http.Handler, sw Switch, now <-chan struct{}) {
	// The body must be read first: net/http notices that a client has gone
	// only once it is free to read ahead, and the body is gone with the client.
	body, err := io.ReadAll(r.Body)
	if err != nil {
		mustCut(w, false) // the client left before it had said what it wanted
		return
	}
	hold := sw.Hold
	if hold == 0 {
		hold = -1
	}
	wait(hold, r.Context().Done(), now)
	wasCut := cut(w, false)
	wait(sw.Late, nil, now)
	again := detached(r)
	again.Body = io.NopCloser(bytes.NewReader(body))
	h.ServeHTTP(nowhere(), again)
	if !wasCut {
		panic(http.ErrAbortHandler)
	}
}

// wait returns after d (never by itself if d is negative), or when one of the
// channels closes.
func wait(d time.Duration, gone, now <-chan struct{}) {
	var after <-chan time.Time
	if d >= 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		after = timer.C
	}
	select {
	case <-after:
	case <-gone:
	case <-now:
	}
}

// detached is the request in a context that does not end with the client.
func detached(r *http.Request) *http.Request {
	return r.WithContext(context.WithoutCancel(r.Context()))
}

// refuse answers as a proxy in front of a server would: HTML, whatever the
// server itself speaks.
func refuse(w http.ResponseWriter, code int) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	// A client that left meanwhile is none of our business.
	_, _ = fmt.Fprintf(w, "<html><head><title>%[1]d %[2]s</title></head><body><h1>%[1]d %[2]s</h1></body></html>\n",
		code, http.StatusText(code))
}

// mustCut is cut, or net/http's own way to break off an answer where the
// connection cannot be taken over (HTTP/2). It comes last in a handler.
func mustCut(w http.ResponseWriter, reset bool) {
	if !cut(w, reset) {
		panic(http.ErrAbortHandler)
	}
}

// cut ends the connection without an answer, with RST where reset is set. It
// reports whether it could take the connection over.
func cut(w http.ResponseWriter, reset bool) bool {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return false
	}
	if tlsConn, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = tlsConn.NetConn() // past TLS, which would say goodbye first
	}
	if tcp, ok := conn.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0) // makes Close send RST; a broken connection is what we want anyway
	}
	_ = conn.Close()
	return true
}

// nowhere is a response that nobody gets.
func nowhere() http.ResponseWriter { return &discard{header: http.Header{}} }

type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}
