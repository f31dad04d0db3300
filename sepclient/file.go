package sepclient

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

const (
	// defaultFileSize bounds a file where its reader names no bound.
	defaultFileSize = 64 << 20
	// fileTimeout is how long a file may take, which can be large.
	fileTimeout = 10 * time.Minute
)

// FileSource is where a client looks for a file.
type FileSource string

// The sources of a file (A16).
const (
	Filesystem FileSource = "FILESYSTEM"
	InVault    FileSource = "QUARANTINE" // the client's quarantine of files
	Anywhere   FileSource = "BOTH"
)

// WantedFile is a file that an endpoint is to upload.
type WantedFile struct {
	Path string
	// Hash is what the file is expected to have. SEPM's description makes it
	// optional, in practice one is needed (A16).
	Hash FileHash
	// Source is [Filesystem] where it is empty.
	Source FileSource
}

// UploadFile makes computers upload a file to SEPM. Clients give executable
// files only. When [Client.CommandStatus] says completed, it has the FileID.
func (c *Client) UploadFile(ctx context.Context, computers []string, f WantedFile) (Sent, error) {
	cmd := command{op: "upload file", name: "files"}
	query, err := f.query()
	if err != nil {
		return Sent{}, request{op: cmd.op, subject: f.Path, method: http.MethodPost, path: "/command-queue/files"}.fail(Permanent, err.Error(), err)
	}
	cmd.query = query
	return c.command(ctx, cmd, Targets{Computers: computers})
}

func (f WantedFile) query() (url.Values, error) {
	if err := checkPath(f.Path); err != nil {
		return nil, err
	}
	query := url.Values{"file_path": {f.Path}, "source": {string(Filesystem)}}
	switch f.Source {
	case "", Filesystem:
	case InVault, Anywhere:
		query.Set("source", string(f.Source))
	default:
		return nil, fmt.Errorf("source %q: want %s, %s or %s", string(f.Source), Filesystem, InVault, Anywhere)
	}
	if f.Hash != (FileHash{}) {
		h := f.Hash.canonical()
		if err := h.check(); err != nil {
			return nil, err
		}
		query.Set(strings.ToLower(string(h.Kind)), h.Value)
	}
	return query, nil
}

// FileDetails is what SEPM says of an uploaded file.
type FileDetails struct {
	ID   string
	Size int64 // in bytes, -1 where SEPM does not say
	// Checksum looks like an MD5; what it covers is not known (A16).
	Checksum string
}

// FileDetails asks for the details of an uploaded file. It changes nothing.
func (c *Client) FileDetails(ctx context.Context, id string) (FileDetails, error) {
	var details struct {
		ID       text   `json:"id"`
		FileSize number `json:"fileSize"`
		Checksum text   `json:"checksum"`
	}
	r := request{op: "file details", subject: id, method: http.MethodGet, path: "/command-queue/file/{id}/details", read: true, into: &details}
	if err := checkID("file", id); err != nil {
		return FileDetails{}, r.fail(Permanent, err.Error(), err)
	}
	r.path = "/command-queue/file/" + id + "/details"
	if err := c.do(ctx, r); err != nil {
		return FileDetails{}, err
	}
	if !details.FileSize.known {
		details.FileSize.value = -1
	}
	return FileDetails{ID: string(details.ID), Size: details.FileSize.value, Checksum: string(details.Checksum)}, nil
}

// FileOptions say which file is acceptable.
type FileOptions struct {
	// MaxSize bounds the file in bytes, 64 MiB where it is 0.
	MaxSize int64
	// Hash is what the file has to have; none is checked where it is zero.
	Hash FileHash
}

// File is a file that an endpoint has uploaded, as it was there: mostly
// malware. It is spooled to disk as SEPM sent it, which as a rule is not
// executable, under a name that is gone already; Close frees the space.
type File struct {
	// Name is the file's hash, as SEPM names the file; empty where SEPM sent
	// the file by itself.
	Name string
	// Size is the size in bytes.
	Size int64
	// SHA256 is the hash of the content, in lower-case hex.
	SHA256 string

	container container
	spool     *spool
}

// Open reads the file from its beginning. It may be opened more than once.
func (f *File) Open() (io.ReadCloser, error) { return f.container.content() }

// Close removes the file.
func (f *File) Close() error { return f.spool.Close() }

// FileContent fetches an uploaded file by the FileID of a [CommandStatus]. It
// changes nothing. What is larger than it may be, has another hash or comes in
// an odd container is an error of class Permanent.
func (c *Client) FileContent(ctx context.Context, id string, o FileOptions) (*File, error) {
	r := request{op: "file content", subject: id, method: http.MethodGet, path: "/command-queue/file/{id}/content"}
	if err := checkID("file", id); err != nil {
		return nil, r.fail(Permanent, err.Error(), err)
	}
	r.path = "/command-queue/file/" + id + "/content"
	return c.file(ctx, r, o)
}

// RequestedFile is [Client.FileContent] by the file's SHA-256, which is also
// checked. Not every SEPM has this call; one without it answers [ErrNotFound].
func (c *Client) RequestedFile(ctx context.Context, sha256 FileHash, o FileOptions) (*File, error) {
	r := request{op: "requested file", subject: sha256.Value, method: http.MethodGet, path: "/requested-files/{sha256}/content"}
	o.Hash = sha256.canonical()
	if o.Hash.Kind != SHA256 {
		return nil, r.fail(Permanent, "it takes a SHA-256", nil)
	}
	if err := o.Hash.check(); err != nil {
		return nil, r.fail(Permanent, err.Error(), err)
	}
	r.path = "/requested-files/" + o.Hash.Value + "/content"
	f, err := c.file(ctx, r, o)
	if e := (*Error)(nil); errors.As(err, &e) && e.Status == http.StatusNotFound {
		e.Hint = "an older SEPM does not have this call: fetch the file by its id"
	}
	return f, err
}

func (c *Client) file(ctx context.Context, r request, o FileOptions) (*File, error) {
	if o.MaxSize <= 0 {
		o.MaxSize = defaultFileSize
	}
	if o.Hash != (FileHash{}) {
		o.Hash = o.Hash.canonical()
		if err := o.Hash.check(); err != nil {
			return nil, r.fail(Permanent, err.Error(), err)
		}
	}
	s, err := newSpool(o.MaxSize)
	if err != nil {
		return nil, r.fail(Temporary, "make a temporary file: "+err.Error(), err)
	}
	f, err := c.fetch(ctx, r, s, o)
	if err != nil {
		s.Close()
		return nil, err
	}
	return f, nil
}

// fetch spools the answer, and reads it once to know what it is.
func (c *Client) fetch(ctx context.Context, r request, s *spool, o FileOptions) (*File, error) {
	r.read, r.into = true, s
	r.header = http.Header{"Accept": {"*/*"}}
	r.most, r.timeout = s.most+1, max(fileTimeout, c.options.Timeout)
	if err := c.do(ctx, r); err != nil {
		switch {
		case errors.Is(err, errTooLarge):
			return nil, r.fail(Permanent, errTooLarge.Error()+sizeNote(o.MaxSize), err)
		case s.failed != nil:
			return nil, r.fail(Temporary, "write a temporary file: "+s.failed.Error(), s.failed)
		}
		return nil, err
	}
	if s.size == 0 {
		return nil, r.fail(Temporary, "the answer is empty", nil)
	}
	f := &File{spool: s}
	var err error
	if f.container, err = readContainer(s.file, s.size); err != nil {
		return nil, r.fail(Permanent, err.Error(), err)
	}
	f.Name = f.container.name
	if err := f.verify(o); err != nil {
		return nil, r.fail(Permanent, err.Error(), err)
	}
	return f, nil
}

var errTooLarge = errors.New("the file is larger than it may be")

func sizeNote(most int64) string { return fmt.Sprintf(": %d bytes", most) }

// verify reads the whole file once, so that nobody gets a part of one that is
// not what it should be.
func (f *File) verify(o FileOptions) error {
	content, err := f.Open()
	if err != nil {
		return err
	}
	defer content.Close()
	sum := sha256.New()
	wanted := sum
	switch o.Hash.Kind {
	case MD5:
		wanted = md5.New()
	case SHA1:
		wanted = sha1.New()
	}
	into := io.Writer(sum)
	if wanted != hash.Hash(sum) {
		into = io.MultiWriter(sum, wanted)
	}
	// What the container says of the size is not to be trusted.
	f.Size, err = io.Copy(into, io.LimitReader(content, o.MaxSize+1))
	switch {
	case f.Size > o.MaxSize:
		return fmt.Errorf("%w%s", errTooLarge, sizeNote(o.MaxSize))
	case err != nil:
		return fmt.Errorf("read the file from its container: %w", err)
	}
	f.SHA256 = hex.EncodeToString(sum.Sum(nil))
	if got := hex.EncodeToString(wanted.Sum(nil)); o.Hash.Value != "" && got != o.Hash.Value {
		return fmt.Errorf("the file has %s %s in place of %s", o.Hash.Kind, got, o.Hash.Value)
	}
	return nil
}

// spool is a temporary file that holds an answer. Only its owner may read it.
type spool struct {
	file       *os.File
	most, size int64
	failed     error // of the disk
	leftover   bool
}

func newSpool(fileSize int64) (*spool, error) {
	f, err := os.CreateTemp("", "sepwatch-file-*")
	if err != nil {
		return nil, err
	}
	// Without its name it is gone whatever becomes of this process.
	leftover := os.Remove(f.Name()) != nil
	// A container is hardly larger than its file, even if it does not shrink it.
	return &spool{file: f, most: fileSize + fileSize/1000 + 128<<10, leftover: leftover}, nil
}

func (s *spool) decode(body io.Reader) error {
	s.size, s.failed = 0, nil
	n, err := io.Copy(s, io.LimitReader(body, s.most+1))
	if n > s.most {
		return errTooLarge
	}
	return err
}

// Write appends to what was written since decode began.
func (s *spool) Write(p []byte) (int, error) {
	n, err := s.file.WriteAt(p, s.size)
	s.size += int64(n)
	s.failed = err
	return n, err
}

// Close frees the space.
func (s *spool) Close() error {
	err := s.file.Close()
	if s.leftover {
		err = errors.Join(err, os.Remove(s.file.Name()))
	}
	return err
}
