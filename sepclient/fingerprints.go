package sepclient

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

const fingerprintsPath = "/policy-objects/fingerprints"

// ErrLastHash says that a list would be left without hashes. Nothing was
// changed: to delete the list is for the caller to decide.
var ErrLastHash = errors.New("it would leave the fingerprint list without hashes, and whether to delete the list is to be decided first")

// FingerprintListByName reads a list by its name in a domain, that of the
// login where the domain's id is empty. SEPM has no list of lists.
func (c *Client) FingerprintListByName(ctx context.Context, name, domainID string) (FingerprintList, error) {
	r := request{op: "read fingerprint list", subject: name, path: fingerprintsPath, query: url.Values{"name": {name}}}
	if domainID != "" {
		r.query.Set("domainId", domainID)
	}
	if name == "" { // SEPM does not say which list that is
		return FingerprintList{}, r.fail(Permanent, "a fingerprint list needs a name or an id", nil)
	}
	return c.readList(ctx, r, domainID)
}

// FingerprintList reads a list by its id.
func (c *Client) FingerprintList(ctx context.Context, id string) (FingerprintList, error) {
	return c.readList(ctx, request{op: "read fingerprint list", subject: id, path: fingerprintsPath + "/" + segment(id)}, "")
}

func (c *Client) readList(ctx context.Context, r request, domainID string) (FingerprintList, error) {
	var dto listDTO
	r.method, r.read, r.into = http.MethodGet, true, &dto
	v2, err := c.eitherVersion(ctx, r, func(*request) { dto = listDTO{} })
	if err == nil && dto.ID == "" {
		err = r.fail(Temporary, "the answer has no id of a list", nil)
	}
	if err != nil {
		return FingerprintList{}, err
	}
	l := dto.list()
	l.DomainID, l.v2 = domainID, v2
	return l, nil
}

// CreateFingerprintList makes a list and returns its id. A name that another
// list has is a Conflict. The list's own ID is not looked at.
func (c *Client) CreateFingerprintList(ctx context.Context, l FingerprintList) (id string, err error) {
	var made struct {
		ID text `json:"id"`
	}
	r := request{op: "create fingerprint list", subject: l.Name, method: http.MethodPost, path: fingerprintsPath, into: &made}
	if l.Name == "" {
		return "", r.fail(Permanent, "a fingerprint list needs a name", nil)
	}
	if err := c.writeList(ctx, r, l); err != nil {
		return "", err
	}
	if made.ID == "" {
		return "", r.fail(Ambiguous, "the answer has no id of a list", nil)
	}
	return string(made.ID), nil
}

// ReplaceFingerprintList puts a list in the place of the one of its ID, all of
// it. To add or remove hashes there is [Client.EditFingerprintList].
func (c *Client) ReplaceFingerprintList(ctx context.Context, l FingerprintList) error {
	unlock, err := c.lockList(ctx, l.replacement(), l.ID)
	if err != nil {
		return err
	}
	defer unlock()
	return c.writeList(ctx, l.replacement(), l)
}

// lockList waits until nobody else edits the list.
func (c *Client) lockList(ctx context.Context, r request, id string) (unlock func(), err error) {
	if unlock, err = c.lists.lock(ctx, id); err != nil {
		return nil, r.fail(Temporary, "waiting for another edit of the list: "+err.Error(), err)
	}
	return unlock, nil
}

func (l FingerprintList) replacement() request {
	return request{op: "replace fingerprint list", subject: l.ID, method: http.MethodPost, path: fingerprintsPath + "/" + segment(l.ID)}
}

// DeleteFingerprintList deletes a list, and takes it from the groups that it
// is assigned to. For a moment SEPM may still show it.
func (c *Client) DeleteFingerprintList(ctx context.Context, id string) error {
	unlock, err := c.lockList(ctx, deletion(id), id)
	if err != nil {
		return err
	}
	defer unlock()
	return c.deleteList(ctx, id)
}

func (c *Client) deleteList(ctx context.Context, id string) error {
	_, err := c.eitherVersion(ctx, deletion(id), func(*request) {})
	return err
}

func deletion(id string) request {
	return request{op: "delete fingerprint list", subject: id, method: http.MethodDelete, path: fingerprintsPath + "/" + segment(id)}
}

// writeList sends a list, by v1 of the API where that can say it.
func (c *Client) writeList(ctx context.Context, r request, l FingerprintList) error {
	if l.empty() {
		return r.fail(Permanent, ErrLastHash.Error(), ErrLastHash)
	}
	if l.DomainID == "" {
		// SEPM's description asks for it, and means the login's by default (A7).
		if _, err := c.token(ctx); err != nil {
			return err
		}
		l.DomainID = c.session.domain()
	}
	if !l.v2 && l.kind() != "" {
		r.body = l.payload(false)
		_, err := c.eitherVersion(ctx, r, func(r *request) { r.body = l.payload(true) })
		return err
	}
	r.v2, r.body = true, l.payload(true)
	err := c.do(ctx, r)
	if unknownToV2(err) && c.v1Has(ctx, r) {
		return r.lacksV2()
	}
	return err
}

// eitherVersion sends a request about a fingerprint list to v1 of the API, and
// where that refuses it, as it does a list that mixes kinds of hashes, to v2,
// as it is again.
func (c *Client) eitherVersion(ctx context.Context, r request, again func(*request)) (v2 bool, err error) {
	err = c.do(ctx, r)
	if !refusedByV1(err) {
		return false, err
	}
	r.v2 = true
	again(&r)
	other := c.do(ctx, r)
	var e *Error
	switch {
	case unknownToV2(other) && saysV2(err):
		return false, r.lacksV2() // v1 knows the list
	case other == nil, saysV2(err), errors.As(other, &e) && e.Class == Ambiguous:
		return true, other
	}
	return false, err // v1's own reason
}

// v1Has reports whether v1 of the API knows the list that was to be written, be
// it one that it cannot read. There is none yet where one was to be made.
func (c *Client) v1Has(ctx context.Context, written request) bool {
	if written.path == fingerprintsPath {
		return true
	}
	var list listDTO
	err := c.do(ctx, request{
		op: "read fingerprint list", subject: written.subject, method: http.MethodGet, path: written.path, read: true, into: &list,
	})
	return err == nil || refusedByV1(err)
}

// unknownToV2 reports whether there may be no v2 of the API.
func unknownToV2(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.Status == http.StatusNotFound || e.Status == http.StatusMethodNotAllowed)
}

// lacksV2 is the error of a request that only v2 of the API could answer, to a
// SEPM without it: every 14.2, and the first 14.3 (A8).
func (r request) lacksV2() *Error {
	e := r.fail(Permanent, "this SEPM has no lists that mix MD5 and SHA-256, for want of v2 of its API", nil)
	e.Hint = "keep the hashes of each kind in a list of its own"
	return e
}

// refusedByV1 reports whether v2 of the API may take what v1 did not. The
// status of that answer is not known, nor in which languages its text comes.
func refusedByV1(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.Status == http.StatusBadRequest || saysV2(err))
}

func saysV2(err error) bool {
	var e *Error
	return errors.As(err, &e) && strings.Contains(strings.ToUpper(e.Message), "V2")
}
