package soar

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

// object is a JSON object under construction.
type object map[string]any

// refusal is an error with the HTTP status that it is answered with.
type refusal struct {
	status  int
	message string
}

func (e *refusal) Error() string { return e.message }

// refuse makes an error that a client gets as a StatusDTO (contract: §1.6).
func refuse(status int, format string, args ...any) error {
	return &refusal{status, fmt.Sprintf(format, args...)}
}

func badRequest(format string, args ...any) error {
	return refuse(http.StatusBadRequest, format, args...)
}

func notFound(what string, id any) error {
	return refuse(http.StatusNotFound, "Unable to find %s with ID %v.", what, id)
}

// done is the StatusDTO of success.
func done() object {
	return object{"success": true, "title": nil, "message": nil, "hints": []string{}}
}

// file is an answer that is not JSON.
type file struct {
	name, contentType string
	content           []byte
}

// noContent is an answer without a body.
type noContent struct{}

// reply writes what a handler returned.
func reply(w http.ResponseWriter, body any, err error) {
	status := http.StatusOK
	if err != nil {
		status = http.StatusInternalServerError
		if known := (*refusal)(nil); errors.As(err, &known) {
			status = known.status
		}
		body = object{"success": false, "title": nil, "message": err.Error(), "hints": []string{}, "error_code": "generic"}
	}
	switch body := body.(type) {
	case noContent:
		w.WriteHeader(http.StatusNoContent)
	case file:
		w.Header().Set("Content-Type", body.contentType)
		w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", body.name))
		w.WriteHeader(status)
		// A client that has gone is no error of ours, here and below.
		_, _ = w.Write(body.content)
	default:
		data, err := json.Marshal(body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json;charset=UTF-8")
		w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		w.WriteHeader(status)
		_, _ = w.Write(data)
	}
}
