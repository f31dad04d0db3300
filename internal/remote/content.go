package remote

import (
	"io"
	"net/http"
	"sync"

	"github.com/go-resty/resty/v2"
)

// Content is a body that is sent as it is read, of a length that is known
// before. It is sent once: the request is never repeated.
type Content struct {
	// Type is the Content-Type, Length the number of bytes.
	Type   string
	Length int64
	mu     sync.Mutex
	from   io.Reader // nil once it is closed
}

// NewContent makes a body of what is read.
func NewContent(kind string, length int64, from io.Reader) *Content {
	return &Content{Type: kind, Length: length, from: from}
}

// Read reads on.
func (c *Content) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.from == nil {
		return 0, http.ErrBodyReadAfterClose
	}
	return c.from.Read(p)
}

// Close ends it: net/http may read on for a moment after it gave a request up,
// but not from there.
func (c *Content) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.from = nil
	return nil
}

// contentKey is the key of a request's Content in its context.
type contentKey struct{}

// putContent gives a request its content. Resty would read the whole of it
// into memory, and net/http without a length would send it in chunks, which
// some proxies do not take.
func putContent(_ *resty.Client, r *http.Request) error {
	if content, ok := r.Context().Value(contentKey{}).(*Content); ok {
		r.Body, r.ContentLength = content, content.Length
	}
	return nil
}
