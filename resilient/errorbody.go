package resilient

import (
	"bytes"
	"encoding/json"

	"github.com/sepwatch/sepwatch/internal/remote"
)

// readErrorBody takes code and message from the body of an error: a StatusDTO
// (§1.6), the HTML page of a proxy, plain text or nothing. The hints of a
// StatusDTO are for the web pages only. The texts are one printable line each.
func readErrorBody(body []byte) (code, message string) {
	body = bytes.TrimSpace(body)
	var status struct {
		Code    text `json:"error_code"`
		Title   text `json:"title"`
		Message text `json:"message"`
	}
	if bytes.HasPrefix(body, []byte("{")) && json.Unmarshal(body, &status) == nil {
		if status.Message == "" {
			status.Message = status.Title
		}
		return remote.Printable(string(status.Code)), remote.Printable(string(status.Message))
	}
	return "", remote.BodyText(body)
}
