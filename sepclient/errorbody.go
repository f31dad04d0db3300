package sepclient

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode"

	"golang.org/x/net/html"
)

// maxMessage bounds the text taken from an answer, in runes.
const maxMessage = 1000

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
		return printable(firstOf(e.ErrorCode, e.Error)), printable(message)
	}
	if bytes.HasPrefix(body, []byte("<")) {
		return "", printable(htmlText(body))
	}
	return "", printable(string(body))
}

func firstOf(texts ...text) string {
	for _, t := range texts {
		if t != "" {
			return string(t)
		}
	}
	return ""
}

// htmlText is what a page says, without its tags, scripts and styles.
func htmlText(page []byte) string {
	var out strings.Builder
	skip := false
	for z := html.NewTokenizer(bytes.NewReader(page)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return out.String()
		case html.StartTagToken:
			name, _ := z.TagName()
			skip = string(name) == "script" || string(name) == "style"
			out.WriteByte(' ')
		case html.EndTagToken, html.SelfClosingTagToken:
			skip = false
			out.WriteByte(' ')
		case html.TextToken:
			if !skip {
				out.Write(z.Text())
			}
		}
	}
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
