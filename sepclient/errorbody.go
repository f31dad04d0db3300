package sepclient

import (
	"bytes"
	"encoding/json"

	"github.com/sepwatch/sepwatch/internal/remote"
)

// errorBody is every JSON shape that SEPM uses for errors (A3): its own, that
// of the OAuth layer in front of it, and that of Spring.
type errorBody struct {
	ErrorCode        text `json:"errorCode"`
	ErrorMessage     text `json:"errorMessage"`
	ErrorDescription text `json:"error_description"`
	Message          text `json:"message"`
	Error            text `json:"error"`
}

// readErrorBody takes code and message from the body of an error: JSON, an
// HTML page, plain text or nothing. The texts are one printable line each.
func readErrorBody(body []byte) (code, message string) {
	body = bytes.TrimSpace(body)
	var e errorBody
	if bytes.HasPrefix(body, []byte("{")) && json.Unmarshal(body, &e) == nil {
		message := firstOf(e.ErrorDescription, e.ErrorMessage, e.Message, e.Error)
		return remote.Printable(firstOf(e.ErrorCode, e.Error)), remote.Printable(message)
	}
	return "", remote.BodyText(body)
}

func firstOf(texts ...text) string {
	for _, t := range texts {
		if t != "" {
			return string(t)
		}
	}
	return ""
}
