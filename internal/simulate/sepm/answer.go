package sepm

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// call is one request under way.
type call struct {
	r     *http.Request
	w     http.ResponseWriter
	login session // zero where no token is asked for
}

// handler answers a call, or returns why not.
type handler func(*call) error

// failure is an error as SEPM answers it.
type failure struct {
	status int
	body   any // nil is an empty body
	html   bool
	text   string
}

func (f *failure) Error() string { return f.text }

// fail is an error in the common shape (contract: A3).
func fail(status int, format string, args ...any) error {
	return failCode(status, fmt.Sprint(status), format, args...)
}

// failCode is fail with a code of the application.
func failCode(status int, code, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	return &failure{status: status, text: text, body: object{"errorCode": code, "appErrorCode": "", "errorMessage": text}}
}

// failPage is an error that Tomcat gives itself, as a page (contract: A3).
func failPage(status int, text string) error {
	return &failure{status: status, html: true, text: text}
}

func (s *Server) refuse(w http.ResponseWriter, err error) {
	var f *failure
	if !errors.As(err, &f) {
		f = &failure{status: http.StatusInternalServerError, html: true, text: err.Error()}
	}
	switch {
	case f.html || s.opt.HTMLErrors:
		w.Header().Set("Content-Type", "text/html;charset=utf-8")
		w.WriteHeader(f.status)
		// A client that has gone is no error of ours, here and in write.
		_, _ = fmt.Fprintf(w, "<!doctype html><html><head><title>HTTP Status %d</title></head><body><h1>HTTP Status %[1]d – %s</h1></body></html>",
			f.status, http.StatusText(f.status))
	case f.body == nil:
		w.WriteHeader(f.status)
	default:
		reply(w, f.status, f.body)
	}
}

// Refuse answers with an error in the server's own form, as its faults do
// (see the package fault).
func (s *Server) Refuse(w http.ResponseWriter, code int) {
	s.refuse(w, fail(code, "%s", http.StatusText(code)))
}

func reply(w http.ResponseWriter, status int, body any) {
	write(w, status, encode(body))
}

func write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// ok answers 200.
func (c *call) ok(body any) error {
	reply(c.w, http.StatusOK, body)
	return nil
}

// done answers without a body.
func (c *call) done(status int) error {
	c.w.WriteHeader(status)
	return nil
}

// read reads the body.
func (c *call) read() ([]byte, error) {
	data, err := io.ReadAll(c.r.Body)
	if err != nil {
		return nil, fail(http.StatusBadRequest, "The request body could not be read.")
	}
	return data, nil
}

// decode reads the JSON body.
func (c *call) decode(into any) error {
	data, err := c.read()
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fail(http.StatusBadRequest, "The request body is not valid JSON.")
	}
	return nil
}
