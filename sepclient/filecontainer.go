package sepclient

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	"github.com/sepwatch/sepwatch/internal/remote"
)

// zipMagic begins a container; what begins otherwise is the file itself (A16).
const zipMagic = "PK\x03\x04"

const (
	// maxDirectory bounds what is read to list a container's members, of which
	// it has two; a zip could list a million.
	maxDirectory = 256 << 10
	// maxMetadata bounds metadata.xml.
	maxMetadata = 64 << 10
)

// container is a file as SEPM hands it out: by itself, or in a zip beside the
// key that its bytes are XORed with, which keeps virus scanners off it.
type container struct {
	open func() (io.ReadCloser, error)
	name string
	key  byte
}

// content reads the file itself.
func (c container) content() (io.ReadCloser, error) {
	r, err := c.open()
	if err != nil {
		return nil, err
	}
	return xorReader{r, c.key}, nil
}

// readContainer finds the file in what was spooled.
func readContainer(spool *os.File, size int64) (container, error) {
	magic := make([]byte, len(zipMagic))
	if _, err := spool.ReadAt(magic, 0); err != nil && err != io.EOF {
		return container{}, err
	}
	if string(magic) != zipMagic {
		return container{open: func() (io.ReadCloser, error) {
			return io.NopCloser(io.NewSectionReader(spool, 0, size)), nil
		}}, nil
	}
	listed := &limitedReaderAt{spool, maxDirectory}
	archive, err := zip.NewReader(listed, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // nothing is written to where a name says
		return container{}, fmt.Errorf("the zip cannot be read: %w", err)
	}
	listed.left = math.MaxInt64
	metadata, content, err := membersOf(archive)
	if err != nil {
		return container{}, err
	}
	key, err := readKey(metadata)
	if err != nil {
		return container{}, fmt.Errorf("metadata.xml of the zip: %w", err)
	}
	return container{open: content.Open, name: content.Name, key: key}, nil
}

// membersOf are the two members of a container: metadata.xml, and the file,
// whose name is its hash.
func membersOf(archive *zip.Reader) (metadata, content *zip.File, err error) {
	for _, member := range archive.File {
		const encrypted = 1
		into := &content
		if strings.EqualFold(member.Name, "metadata.xml") {
			into = &metadata
		}
		switch {
		case *into != nil:
			return nil, nil, fmt.Errorf("the zip has more than metadata.xml and one file: %q and %q",
				remote.Printable((*into).Name), remote.Printable(member.Name))
		case !member.Mode().IsRegular():
			return nil, nil, fmt.Errorf("the zip has %q, which is no file", remote.Printable(member.Name))
		case member.Flags&encrypted != 0:
			return nil, nil, fmt.Errorf("%q in the zip is encrypted", remote.Printable(member.Name))
		}
		*into = member
	}
	switch {
	case metadata == nil:
		return nil, nil, errors.New("the zip has no metadata.xml, which has the key of the file")
	case content == nil:
		return nil, nil, errors.New("the zip has no file beside metadata.xml")
	}
	return metadata, content, nil
}

// readKey reads the key from metadata.xml: the attribute Key of the element
// File in its root.
func readKey(member *zip.File) (byte, error) {
	r, err := member.Open()
	if err != nil {
		return 0, err
	}
	defer r.Close()
	var metadata struct {
		Files []struct {
			Key *uint8 `xml:"Key,attr"`
		} `xml:"File"`
	}
	bounded := &io.LimitedReader{R: r, N: maxMetadata}
	if err := xml.NewDecoder(bounded).Decode(&metadata); err != nil {
		if bounded.N == 0 {
			return 0, fmt.Errorf("it is larger than %d KiB", maxMetadata>>10)
		}
		return 0, err
	}
	var key *uint8
	for _, f := range metadata.Files {
		if f.Key == nil || key != nil && *key != *f.Key {
			key = nil
			break
		}
		key = f.Key
	}
	if key == nil {
		return 0, errors.New("it does not have one Key for the file")
	}
	return *key, nil
}

// limitedReaderAt reads up to a bound.
type limitedReaderAt struct {
	io.ReaderAt
	left int64
}

func (l *limitedReaderAt) ReadAt(p []byte, off int64) (int, error) {
	if l.left -= int64(len(p)); l.left < 0 {
		return 0, errors.New("its list of members is too long")
	}
	return l.ReaderAt.ReadAt(p, off)
}

// xorReader reads with each byte XORed with the key.
type xorReader struct {
	io.ReadCloser
	key byte
}

func (x xorReader) Read(p []byte) (int, error) {
	n, err := x.ReadCloser.Read(p)
	if x.key != 0 {
		for i := range p[:n] {
			p[i] ^= x.key
		}
	}
	return n, err
}
