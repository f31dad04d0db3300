package resilient

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/textproto"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/internal/remote"
)

// File is a file to be sent. It is sent as it is read, and read once.
type File struct {
	// Name is its name without a folder, ContentType its MIME type; empty is
	// application/octet-stream.
	Name, ContentType string
	// Size is its exact size in bytes.
	Size    int64
	Content io.Reader
}

// exactly reads as many bytes as are left. It fails on fewer and on more, so
// that a file that is not what it says does not arrive as if it were whole.
type exactly struct {
	from io.Reader
	left int64
}

func (e *exactly) Read(p []byte) (int, error) {
	if e.left == 0 {
		var more [1]byte
		if n, _ := io.ReadFull(e.from, more[:]); n > 0 {
			return 0, errors.New("the file is longer than its size")
		}
		return 0, io.EOF
	}
	n, err := e.from.Read(p[:min(int64(len(p)), e.left)])
	e.left -= int64(n)
	if errors.Is(err, io.EOF) {
		if e.left > 0 {
			return n, errors.New("the file is shorter than its size")
		}
		err = nil // said at the next read
	}
	return n, err
}

// content makes the body of an upload: the part artifact, with what there is
// to say of the file, if anything (§3.4), and the part file (§4.2). A file
// that the server does not take is [Permanent], and nothing is sent.
func (f File) content(r request, most int64, about map[string]string) (*remote.Content, error) {
	switch {
	case f.Name == "":
		return nil, r.fail(Permanent, "the file has no name", nil)
	case f.Size > most:
		return nil, r.fail(Permanent, fmt.Sprintf("the file %q has %d bytes, and Resilient takes %d MB at most", f.Name, f.Size, most>>20), nil)
	}
	kind, parameters, err := mime.ParseMediaType(f.ContentType)
	if err != nil {
		kind, parameters = "application/octet-stream", nil
	}
	var envelope bytes.Buffer // which takes every write
	parts := multipart.NewWriter(&envelope)
	if about != nil {
		text, err := json.Marshal(about)
		if err == nil {
			err = parts.WriteField("artifact", string(text))
		}
		if err != nil {
			return nil, r.fail(Permanent, "encode the request: "+err.Error(), err)
		}
	}
	// The name is that of a file in a mail, or on somebody's computer.
	header := textproto.MIMEHeader{
		"Content-Disposition": {multipart.FileContentDisposition("file", incident.Clean(f.Name))},
		"Content-Type":        {mime.FormatMediaType(kind, parameters)},
	}
	if _, err := parts.CreatePart(header); err != nil {
		return nil, r.fail(Permanent, "encode the request: "+err.Error(), err)
	}
	before := envelope.Len()
	if err := parts.Close(); err != nil {
		return nil, r.fail(Permanent, "encode the request: "+err.Error(), err)
	}
	head, tail := envelope.Bytes()[:before], envelope.Bytes()[before:]
	return remote.NewContent(parts.FormDataContentType(), int64(envelope.Len())+f.Size,
		io.MultiReader(bytes.NewReader(head), &exactly{f.Content, f.Size}, bytes.NewReader(tail))), nil
}
