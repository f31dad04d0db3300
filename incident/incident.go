package incident

import "time"

// Incident is the case opened for one or more events.
type Incident struct {
	// Key identifies the story that the incident is about. At most one open
	// incident has a key. It travels to Resilient in the custom field
	// [KeyField], or in the description where that field is not installed.
	Key string `json:"key"`
	// Name is the incident's title, plain text.
	Name string `json:"name"`
	// Description is HTML that is safe to send: every value that came from
	// a mail is escaped in it.
	Description string `json:"description"`
	// Types are Resilient incident type names, such as "Malware".
	Types []string `json:"types,omitempty"`
	// Severity is Low, Medium or High; empty leaves it to Resilient.
	Severity string `json:"severity,omitempty"`
	// Discovered is when SEPM saw the event, in UTC.
	Discovered time.Time `json:"discovered"`
	// Trust says what is known of the sender of the mail.
	Trust Trust `json:"trust"`
}

// KeyField is the API name of the Resilient custom field that holds
// [Incident.Key].
const KeyField = "sepwatch_key"

// Status is where an incident stands.
type Status string

// The states of an incident.
const (
	Open   Status = "open"
	Closed Status = "closed"
)

// Trust is what is known of a mail's sender. The zero value is an unproven
// sender, which can never start an action that changes an endpoint.
type Trust struct {
	// Proven is whether the sender was proven.
	Proven bool `json:"proven"`
	// By names the proof, such as "dkim" or "received_from".
	By string `json:"by,omitempty"`
}

// Note is a comment on an incident.
type Note struct {
	// Key identifies the note on its incident, so that it is left once.
	Key string `json:"key"`
	// Text is HTML that is safe to send.
	Text string `json:"text"`
}

// Attachment is a file on an incident.
type Attachment struct {
	// Key identifies the attachment on its incident, so that it is left once.
	// One key has one content: Resilient tells attachments apart by name and
	// size only, and keeps each that it is sent.
	Key         string `json:"key"`
	Name        string `json:"name"`
	ContentType string `json:"content_type"`
	Content     []byte `json:"content,omitempty"`
	// Mail is the id of the mail whose bytes are the content, 0 for Content.
	Mail int64 `json:"mail,omitempty"`
}
