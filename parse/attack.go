package parse

import (
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/sepwatch/sepwatch/parse/mime"
)

// Attack is the network side of an event: who attacked, and with what. A
// client security alert has it, and so does a risk that came over the network
// (contract: SEPM e-mail §1.6).
type Attack struct {
	// IP is the attacker's address in canonical form; Host is its name.
	IP   string `json:"ip"`
	Host string `json:"host"`
	// Signature is the name of what recognised the attack; SignatureID is
	// Symantec's number of it.
	Signature   string `json:"signature"`
	SignatureID string `json:"signature_id"`
	Direction   string `json:"direction"`
	Protocol    string `json:"protocol"`
	// LocalPort and RemotePort are 0 where no port is known.
	LocalPort  int `json:"local_port"`
	RemotePort int `json:"remote_port"`
	// IntrusionURL and PayloadURL are as written, not always with a scheme.
	IntrusionURL string `json:"intrusion_url"`
	PayloadURL   string `json:"payload_url"`
	// Application is the program on the endpoint that was attacked or that
	// made the connection.
	Application string `json:"application"`
}

// attackOf reads the fields of an attack; nil where there are none. Values
// that cannot be read are kept among the extras, with a warning.
func (g *grammar) attackOf(b *block, e *Event) *Attack {
	get := func(f field) string {
		if value := b.fields[f].value; !g.words.isNothing(value) {
			return value
		}
		return ""
	}
	a := Attack{
		Host: get(attackerHostField), Signature: get(signatureField), SignatureID: get(signatureIDField),
		Direction: get(directionField), Protocol: get(protocolField),
		IntrusionURL: get(intrusionURLField), PayloadURL: get(payloadURLField), Application: get(applicationField),
	}
	a.LocalPort = g.port(e, b.fields[localPortField])
	a.RemotePort = g.port(e, b.fields[remotePortField])
	if s := b.fields[attackerField]; !g.words.isNothing(s.value) {
		found, bad := g.words.addresses(s.value)
		if len(found) > 0 {
			a.IP = found[0]
		}
		if len(found) > 1 || len(bad) > 0 {
			g.warn.Add("line %d: %s is not one address: %s", s.line, mime.Quote(s.label), mime.Quote(s.value))
			keep(e.Extra, s.label, s.value)
		}
	}
	if e.Description == "" {
		e.Description = b.sentence
	}
	if a.Signature == "" && a.SignatureID == "" {
		a.SignatureID, a.Signature = signatureIn(e.Description)
	}
	if a == (Attack{}) {
		return nil
	}
	found := a // only what is returned goes to the heap
	return &found
}

func (g *grammar) port(e *Event, s slot) int {
	if g.words.isNothing(s.value) {
		return 0
	}
	port, err := strconv.ParseUint(s.value, 10, 16)
	if err != nil {
		g.warn.Add("line %d: %s is no port: %s", s.line, mime.Quote(s.label), mime.Quote(s.value))
		keep(e.Extra, s.label, s.value)
	}
	return int(port)
}

// signatureIn finds the signature that SEPM puts before the text of an
// intrusion: [SID: 32329] Audit: Malicious Scan Attempt 2 detected …
func signatureIn(description string) (id, name string) {
	if !strings.HasPrefix(description, "[SID") {
		return "", ""
	}
	m := signatureForm().FindStringSubmatch(description)
	if m == nil {
		return "", ""
	}
	return m[1], trimBlanks(m[2])
}

var signatureForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^\[SID:\s*(\d{1,10})\]\s*([^\[\]\n]{1,200}?)(?:\.| detected| attack| blocked|$)`)
})
