package sepclient

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// Version is what SEPM says of itself (A8).
type Version struct {
	// Product is SEPM's version, such as 14.3.25029.9000.
	Product string
	// API and Sequence are the REST API's version and build.
	API, Sequence string
}

// Feature is a part of the API that older versions do not have.
type Feature int

// The features.
const (
	// FingerprintListsV2 are lists that mix MD5 and SHA-256 (A12). The release
	// of 14.3 that began with them is not known.
	FingerprintListsV2 Feature = iota
	// ComputerFilters are the filters by id, hardware key and MAC address
	// (A10).
	ComputerFilters
	// HostIntegrity are [Computer.QuarantineStatus] and its reason (A10).
	HostIntegrity
)

// MayHave reports whether a SEPM of this version may have a feature. Where it
// says no, there is none; an unknown version may have everything.
func (v Version) MayHave(f Feature) bool {
	switch f {
	case FingerprintListsV2, ComputerFilters, HostIntegrity:
		return !v.before(14, 3)
	}
	return true
}

// before reports whether the product is known to be older than a release.
func (v Version) before(major, minor int) bool {
	first, rest, _ := strings.Cut(v.Product, ".")
	second, _, _ := strings.Cut(rest, ".")
	a, errA := strconv.Atoi(first)
	b, errB := strconv.Atoi(second)
	return errA == nil && errB == nil && (a < major || a == major && b < minor)
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
