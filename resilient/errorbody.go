package resilient

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode"
)

// maxMessage bounds the text taken from an answer, in runes.
const maxMessage = 1000

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
		return printable(string(status.Code)), printable(string(status.Message))
	}
	if bytes.HasPrefix(body, []byte("<")) {
		return "", printable(htmlText(string(body)))
	}
	return "", printable(string(body))
}

// printable makes one bounded line of a text from outside, so that it can
// neither forge log lines nor steer a terminal.
func printable(s string) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "�"), func(r rune) bool {
		return !unicode.IsPrint(r) || unicode.IsSpace(r)
	}), " ")
	if runes := []rune(s); len(runes) > maxMessage {
		return string(runes[:maxMessage]) + "…"
	}
	return s
}
