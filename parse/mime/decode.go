package mime

import (
	"bytes"
	"hash"
	"strings"
)

// codingName gives a transfer encoding as the header names it.
func codingName(value string) string {
	return strings.ToLower(strings.Trim(token(value), `"`))
}

// transferEncoding gives the transfer encoding that is to be taken off a body;
// "" when there is none, and when it is unknown.
func transferEncoding(value string) string {
	switch name := codingName(value); name {
	case "base64", "quoted-printable":
		return name
	}
	return ""
}

func isIdentity(coding string) bool {
	switch coding {
	case "", "7bit", "8bit", "binary", "7-bit", "8-bit":
		return true
	}
	return false
}

// decoder takes a transfer encoding off. What breaks the encoding is read
// over, so that what comes after it is not lost.
type decoder struct {
	buf  []byte
	most int // bytes that are wanted; a few more mean that there is more
	bad  int // characters that the encoding does not have

	// With a hash, all is decoded, and the content is hashed and dropped.
	hash hash.Hash
	size int64
}

// chunk is how much content is gathered for a hash.
const chunk = 32 << 10

func (d *decoder) decode(coding string, src []byte) {
	switch coding {
	case "base64":
		d.base64(src)
	case "quoted-printable":
		d.quotedPrintable(src)
	default:
		d.write(src)
	}
}

// full reports that no more is wanted.
func (d *decoder) full() bool {
	if d.hash != nil {
		if len(d.buf) >= chunk {
			d.flush()
		}
		return false
	}
	return len(d.buf) > d.most
}

func (d *decoder) flush() {
	d.size += int64(len(d.buf))
	d.hash.Write(d.buf)
	d.buf = d.buf[:0]
}

func (d *decoder) write(b []byte) {
	if d.hash == nil {
		d.buf = append(d.buf, b[:min(len(b), max(0, d.most+1-len(d.buf)))]...)
		return
	}
	for ; len(b) > 0; b = b[min(len(b), chunk):] {
		d.buf = append(d.buf, b[:min(len(b), chunk)]...)
		d.full()
	}
}

// quotedPrintable decodes RFC 2045 §6.7. An = that begins no code stays.
func (d *decoder) quotedPrintable(src []byte) {
	for len(src) > 0 && !d.full() {
		var line []byte
		line, src = cutLine(src)
		text := bytes.TrimRight(line, " \t\r\n") // blanks at the end are from the transport
		end := line[len(text):]
		switch {
		case bytes.HasSuffix(text, []byte("=")): // the line goes on in the next
			text, end = text[:len(text)-1], nil
		case bytes.HasSuffix(end, []byte("\r\n")):
			end = end[len(end)-2:]
		case bytes.HasSuffix(end, []byte("\n")):
			end = end[len(end)-1:]
		default:
			end = nil
		}
		for !d.full() {
			at := bytes.IndexByte(text, '=')
			if at < 0 {
				break
			}
			d.write(text[:at])
			text = text[at:]
			if len(text) > 2 {
				high, low := unhex(text[1]), unhex(text[2])
				if high >= 0 && low >= 0 {
					d.buf = append(d.buf, byte(high<<4|low))
					text = text[3:]
					continue
				}
			}
			d.bad++
			d.buf = append(d.buf, '=')
			text = text[1:]
		}
		d.write(text)
		d.write(end)
	}
}

func cutLine(src []byte) (line, rest []byte) {
	if n := bytes.IndexByte(src, '\n'); n >= 0 {
		return src[:n+1], src[n+1:]
	}
	return src, nil
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}

// base64 decodes RFC 2045 §6.8, also several such texts one after the other.
// Other characters are skipped.
func (d *decoder) base64(src []byte) {
	var acc uint32
	n, padded := 0, false
	for _, c := range src {
		v := base64Values[c]
		if v < 64 {
			acc = acc<<6 | uint32(v)
			if n++; n == 4 {
				d.buf = append(d.buf, byte(acc>>16), byte(acc>>8), byte(acc))
				n, acc = 0, 0
				if d.full() {
					return
				}
			}
			continue
		}
		switch v {
		case padding:
			d.rest(acc, n)
			n, acc, padded = 0, 0, true
		case garbage:
			d.bad++
		}
	}
	if padded { // characters behind the end are no content
		d.bad += n
		return
	}
	d.rest(acc, n)
}

// rest writes what two or three characters hold.
func (d *decoder) rest(acc uint32, n int) {
	switch n {
	case 1:
		d.bad++
	case 2:
		d.buf = append(d.buf, byte(acc>>4))
	case 3:
		d.buf = append(d.buf, byte(acc>>10), byte(acc>>2))
	}
}

const (
	padding = 64 + iota
	blank
	garbage
)

// base64Values gives the value of each character.
var base64Values = func() (values [256]byte) {
	for i := range values {
		values[i] = garbage
	}
	for i, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" {
		values[c] = byte(i)
	}
	values['='] = padding
	for _, c := range " \t\r\n" {
		values[c] = blank
	}
	return values
}()
