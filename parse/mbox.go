package parse

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
)

// ErrTooLarge means that one mail of a file is over the limit.
var ErrTooLarge = errors.New("a mail is too large")

// Mails gives the mails of a file, which is one mail or an mbox: in an mbox
// a line "From …" after an empty line begins a mail, and lines that begin so
// in the mail itself are quoted by one ">" (mboxrd). Each mail may be kept.
// The bytes are the file's, line ends included. A mail of more than limit
// bytes ends the reading with [ErrTooLarge].
func Mails(in io.Reader, limit int) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		r := bufio.NewReaderSize(in, 64<<10)
		start, err := r.Peek(5)
		if err != nil && err != io.EOF {
			yield(nil, err)
			return
		}
		if !bytes.Equal(start, []byte("From ")) {
			raw, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
			if err == nil && len(raw) > limit {
				raw, err = nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, limit)
			}
			yield(raw, err)
			return
		}
		splitMbox(r, limit, yield)
	}
}

func splitMbox(r *bufio.Reader, limit int, yield func([]byte, error) bool) {
	var mail []byte
	for first, blank, whole := true, true, true; ; {
		line, err := r.ReadSlice('\n')
		if err != nil && err != bufio.ErrBufferFull && err != io.EOF {
			yield(nil, err)
			return
		}
		switch {
		case whole && blank && bytes.HasPrefix(line, []byte("From ")):
			if !first && !yield(trimBlank(mail), nil) {
				return
			}
			first, mail = false, nil
		case whole && quoted(line):
			mail = append(mail, line[1:]...)
		default:
			mail = append(mail, line...)
		}
		if len(mail) > limit {
			yield(nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, limit))
			return
		}
		if err == io.EOF {
			yield(trimBlank(mail), nil)
			return
		}
		// A line that is longer than the buffer comes in parts.
		blank = whole && len(bytes.TrimRight(line, "\r\n")) == 0
		whole = err == nil
	}
}

// quoted reports whether the line is ">From …", ">>From …" and so on.
func quoted(line []byte) bool {
	return len(line) > 0 && line[0] == '>' && bytes.HasPrefix(bytes.TrimLeft(line, ">"), []byte("From "))
}

// trimBlank drops the empty line that parts a mail from the next one.
func trimBlank(mail []byte) []byte {
	if bytes.HasSuffix(mail, []byte("\r\n\r\n")) {
		return mail[:len(mail)-2]
	}
	if bytes.HasSuffix(mail, []byte("\n\n")) {
		return mail[:len(mail)-1]
	}
	return mail
}
