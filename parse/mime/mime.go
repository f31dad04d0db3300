// Package mime reads the raw bytes of a mail into its headers and texts.
//
// Reading never fails: what breaks the rules is read as far as it goes, with
// a warning that says so. There is one reader and no second attempt, so that
// a mail has one reading whatever is wrong with it, and so that each text
// knows where in the mail it stands. Everything in a mail is hostile input:
// what is read of it is bounded, and memory is too.
package mime

import "time"

// What is read of one mail, so that a large or deeply nested one costs no
// more than this. Each limit that is met is a warning.
const (
	maxText    = 8 << 20   // bytes of all texts together
	maxLine    = 256 << 10 // bytes of one line of a plain text
	maxParts   = 1000
	maxNesting = 32       // of multiparts and attached mails
	maxDecoded = 16 << 20 // bytes of all attached mails that a transfer encoding wraps
	maxFields  = 1000     // of one header
	maxValue   = 16 << 10 // bytes of one header value with its folded lines
	maxHeader  = 1000     // bytes of a header value that is kept
	maxName    = 255      // bytes of a file name
)

// Message is a mail, or a mail that is attached to one.
type Message struct {
	// Subject, From and MessageID are one line of at most 1000 bytes each.
	// From is the address without the display name, MessageID is without its
	// angle brackets.
	Subject, From, MessageID string
	// Date is that of the Date header. It is zero when there is none, and when
	// it does not say which instant it means.
	Date time.Time
	// Texts are the inline text parts, in the mail's order.
	Texts []Text
	// Attached are the mails among the parts.
	Attached []*Message
	// Files are the other parts, and the mails that are attached as files.
	Files []File
	// Warnings say what was not as it should be, in this mail and in those
	// attached to it; an attached one has none of its own.
	Warnings Warnings
}

// Text is a text part of a mail.
type Text struct {
	// Part is the section number that IMAP gives the part, such as "1.2"
	// (RFC 9051 §6.4.5.1); that of an attached mail begins with the mail's own.
	Part string
	HTML bool
	// Alternative names the multipart/alternative of which the part is one
	// reading, by its section number; that of a whole mail is "TEXT", of an
	// attached mail "2.TEXT". "" is for none.
	Alternative string
	// Text is valid UTF-8 without NUL. HTML is as it came; [HTMLText] makes
	// text of it. Lines end as they do in the mail.
	Text string
	// Charset is the one that was applied, and Encoding the transfer encoding
	// that was taken off: base64, quoted-printable, or "" for none.
	Charset, Encoding string
	// Offset is where in the mail's bytes the part's body begins, or -1 when
	// the part is in an attached mail that had a transfer encoding itself.
	Offset int
	// Exact is whether Text is, byte for byte, what stands at Offset.
	Exact bool
}

// File is an attached or embedded file. Its content is not kept.
type File struct {
	Part string
	// Name is without folders, control and formatting characters; it may be
	// empty.
	Name string
	Type string // such as application/zip; as the mail claims
	Size int64  // in bytes, decoded
	// SHA256 is lower-case hex of the decoded content; "" when the content is
	// not there in full.
	SHA256 string
}

// Read reads a mail. The result does not hold on to raw.
func Read(raw []byte) *Message {
	m := &Message{}
	r := &reader{warn: &m.Warnings, left: &allowance{text: maxText, parts: maxParts, decoded: maxDecoded}, raw: raw, whole: true}
	r.unifyReturns()
	r.message(m, 0, "", 0)
	return m
}
