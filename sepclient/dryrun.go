package sepclient

import (
	"encoding/json"
	"errors"
)

// Withheld is a request that [Options.DryRun] got in place of SEPM.
type Withheld struct {
	Method string
	// URL is the whole address, the query included.
	URL string
	// ContentType and Body are empty where it has no body.
	ContentType string
	Body        []byte
}

// ErrWithheld is the end of every request that a dry run did not send.
var ErrWithheld = errors.New("this is a dry run: it was not sent")

// withhold gives a request to [Options.DryRun] in place of SEPM. Its error is
// one that says nothing of other requests, so that a command of several parts
// shows them all.
func (c *Client) withhold(r request, address string) error {
	w := Withheld{Method: r.method, URL: address}
	if query := r.query.Encode(); query != "" {
		w.URL += "?" + query
	}
	switch body := r.body.(type) {
	case nil:
	case xmlBody:
		w.ContentType, w.Body = "application/xml", body
	default:
		data, err := json.Marshal(body)
		if err != nil {
			return r.fail(Permanent, "encode the request: "+err.Error(), err)
		}
		w.ContentType, w.Body = "application/json", data
	}
	c.options.DryRun(w)
	return r.fail(Permanent, ErrWithheld.Error(), ErrWithheld)
}
