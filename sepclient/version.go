package sepclient

import (
	"context"
	"errors"
	"net/http"
)

// Version is what SEPM says of itself (A8).
type Version struct {
	// Product is SEPM's version, such as 14.3.25029.9000.
	Product string
	// API and Sequence are the REST API's version and build.
	API, Sequence string
}

// Version asks SEPM for its version. It needs no login and changes nothing.
func (c *Client) Version(ctx context.Context) (Version, error) {
	var v struct {
		Product  text `json:"version"`
		API      text `json:"API_VERSION"`
		Sequence text `json:"API_SEQUENCE"`
	}
	r := request{op: "version", method: http.MethodGet, path: "/version", read: true, into: &v}
	err := c.send(ctx, r, "")
	if err == nil && v.Product == "" {
		err = r.fail(Permanent, "the answer names no version", nil)
	}
	var e *Error
	if errors.As(err, &e) && (e.Class == Permanent || e.Class == NotFound || e.Class == Unauthorized) {
		e.Hint = "what answers there is not SEPM's REST API: check host and port, which is usually 8446"
	}
	if err != nil {
		return Version{}, err
	}
	return Version{Product: string(v.Product), API: string(v.API), Sequence: string(v.Sequence)}, nil
}
