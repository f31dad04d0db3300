// Package program runs each stand-in as a program of its own: it has the
// command line's flags, starts the server, and says how to reach it.
package program

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/pflag"
)

// StandIn is one stand-in before it is started.
type StandIn interface {
	// Define adds the stand-in's flags.
	Define(*pflag.FlagSet)
	// Check reports flags that do not go together.
	Check() error
	// Start starts it.
	Start(log Log) (Running, error)
}

// Log is told, by several goroutines at a time, of each request in one
// printable line. Nil means that nobody wants to know.
type Log func(line string)

// Running is a stand-in that answers.
type Running struct {
	About About
	// Warnings are what the user may not have meant.
	Warnings []string
	// Close stops it and waits for all that it does.
	Close func() error
}

// About says what a stand-in is and how to reach it. Beside the first four its
// fields are named as the settings of sepwatch that they are for. Its JSON is
// stable.
type About struct {
	System string `json:"system"` // sepm, resilient or mailbox
	URL    string `json:"url"`
	// StartTLS is whether TLS begins after STARTTLS.
	StartTLS bool `json:"starttls,omitempty"`
	// Fingerprint is the certificate's: sha256: and lower-case hex. It is empty
	// without TLS, and CertificateFile where the certificate is not kept.
	Fingerprint     string `json:"fingerprint,omitempty"`
	CertificateFile string `json:"certificate_file,omitempty"`

	Org            string `json:"org,omitempty"`
	APIKeyID       string `json:"api_key_id,omitempty"`
	APIKeySecret   string `json:"api_key_secret,omitempty"`
	ResourcePrefix string `json:"resource_prefix,omitempty"`
	Username       string `json:"username,omitempty"`
	Password       string `json:"password,omitempty"`
	Domain         string `json:"domain,omitempty"`
	Folder         string `json:"folder,omitempty"`

	what string // for a person
}

// JSON writes a on one line.
func (a About) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(a)
}

// Text writes a for a person.
func (a About) Text(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, a.what)
	for _, line := range []struct{ label, value string }{
		{"url", a.URL},
		{"fingerprint", a.Fingerprint},
		{"certificate file", a.CertificateFile},
		{"org", a.Org},
		{"api_key_id", a.APIKeyID},
		{"api_key_secret", a.APIKeySecret},
		{"resource_prefix", a.ResourcePrefix},
		{"username", a.Username},
		{"password", a.Password},
		{"domain", a.Domain},
		{"folder", a.Folder},
	} {
		if line.value != "" {
			fmt.Fprintf(t, "  %s\t%s\n", line.label, line.value)
		}
	}
	return t.Flush()
}
