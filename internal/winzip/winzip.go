// Package winzip writes a zip archive of one file that needs a password. It
// is how malware is put where people work: a password stands between the file
// and a double click, and virus scanners on the way let it pass.
//
// The file is deflated and then encrypted as WinZip's AE-2 with AES-256, as
// https://www.winzip.com/en/support/aes-encryption/ describes it; zip's own
// encryption is none. 7-Zip and WinZip read it; what Windows brings along may not.
package winzip

import (
	"compress/flate"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
)

// MaxContent is the size in bytes of the largest file that an archive holds.
// With what encryption and incompressible content add, it fits zip's sizes of
// 32 bits.
const MaxContent = 4_000_000_000

// Write writes an archive to w that holds the content as a file of that name,
// encrypted with the password. It takes about a megabyte of memory, however
// long the content is; more than [MaxContent] bytes are an error.
// After an error, what w has got is no archive.
//
// The name may be hostile, such as one that malware has given itself, with the
// folders before it or without: what is written is the name of one file that
// is unpacked where it is asked to be.
func Write(w io.Writer, name, password string, content io.Reader) error {
	name = safeName(name)
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails
	if err := write(w, name, password, content, salt, MaxContent); err != nil {
		return fmt.Errorf("zip %q: %w", name, err)
	}
	return nil
}

// write is Write of a safe name, with its salt and its limit.
func write(w io.Writer, name, password string, content io.Reader, salt []byte, most int64) error {
	out := &counter{w: w}
	m := newMember(name)
	if err := put(out, localSignature, m.common, m.name, m.extra); err != nil {
		return err
	}
	start := out.n
	size, err := encrypted(out, password, io.LimitReader(content, most+1), salt)
	if err != nil {
		return err
	}
	if size > most {
		return fmt.Errorf("the file has more than the %d bytes that an archive takes", most)
	}
	sizes := sizes{Compressed: uint32(out.n - start), Uncompressed: uint32(size)}
	if err := put(out, descriptorSignature, sizes); err != nil {
		return err
	}
	return m.finish(out, sizes)
}

// encrypted writes a member's data and gives the size of the content.
func encrypted(w io.Writer, password string, content io.Reader, salt []byte) (int64, error) {
	encrypter, err := newEncrypter(w, password, salt)
	if err != nil {
		return 0, err
	}
	deflater, err := flate.NewWriter(encrypter, flate.DefaultCompression)
	if err != nil {
		return 0, err
	}
	size, err := io.Copy(deflater, content)
	if err != nil {
		return 0, err
	}
	if err := deflater.Close(); err != nil {
		return 0, err
	}
	return size, encrypter.close()
}

// counter counts what is written.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// put writes values of fixed size, as zip has them, one after the other.
func put(w io.Writer, values ...any) error {
	var record []byte
	for _, v := range values {
		if s, ok := v.(string); ok {
			v = []byte(s)
		}
		var err error
		if record, err = binary.Append(record, binary.LittleEndian, v); err != nil {
			return err
		}
	}
	_, err := w.Write(record)
	return err
}
