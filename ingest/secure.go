package ingest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/sepwatch/sepwatch/internal/connect"
)

var (
	// errNoTLS means that the server does not go over to TLS.
	errNoTLS = errors.New("the server does not start TLS")
	// errNotTLS means that something else than TLS follows the answer to
	// STARTTLS.
	errNotTLS = errors.New("what follows the server's answer to STARTTLS is not TLS")
)

// secure starts TLS as the options ask for it, and gives the connection that
// IMAP is spoken over.
func (s *session) secure(ctx context.Context) (net.Conn, error) {
	o := &s.w.o
	if o.TLS == None {
		return s.conn, nil
	}
	if o.TLS == StartTLS {
		err := s.do(ctx, "ask for TLS", func() error { return askForTLS(s.conn) })
		if errors.Is(err, errSilent) {
			return nil, s.hintGreeting(err)
		}
		if err != nil {
			return nil, err
		}
	}
	host, _, err := net.SplitHostPort(o.Address)
	if err != nil {
		return nil, s.w.fail("start TLS", err)
	}
	conn := tls.Client(s.conn, connect.Trust{RootCAs: o.RootCAs, Fingerprints: o.Fingerprints}.Config(host))
	if err := s.do(ctx, "start TLS", func() error {
		err := conn.Handshake()
		var record tls.RecordHeaderError
		if o.TLS == StartTLS && errors.As(err, &record) {
			return fmt.Errorf("%w: %w", errNotTLS, err)
		}
		return err
	}); err != nil {
		return nil, err
	}
	if o.TLS == StartTLS {
		return greeted{conn, io.MultiReader(strings.NewReader("* OK\r\n"), conn)}, nil
	}
	return conn, nil
}

// greeted is a connection after STARTTLS. The server does not greet again, but
// the library waits for it, so it is given a greeting of our own. All that it
// knows of the server, its capabilities first of all, it thus heard over TLS.
type greeted struct {
	net.Conn
	r io.Reader
}

func (g greeted) Read(p []byte) (int, error) { return g.r.Read(p) }

// askForTLS reads the greeting and sends STARTTLS. What the server says before
// TLS could be anybody's, so nothing of it is kept, and nothing but an OK lets
// the session go on.
//
// It does without the library's STARTTLS, which believes the capabilities that
// come with the answer, and waits for ever when the answer breaks off.
func askForTLS(conn io.ReadWriter) error {
	const tag = "T1"
	r := clearText{r: conn, left: maxClearText}
	greeting, err := r.line()
	switch first, second := words(greeting); {
	case err != nil:
		return err
	case first == "*" && second == "BYE":
		return fmt.Errorf("the server refuses the connection: %.200q", greeting)
	case first != "*" || second != "OK": // PREAUTH too: then TLS is out of reach
		return fmt.Errorf("%w: it greets with %.200q", errNoTLS, greeting)
	}
	if _, err := io.WriteString(conn, tag+" STARTTLS\r\n"); err != nil {
		return err
	}
	for {
		answer, err := r.line()
		switch first, second := words(answer); {
		case err != nil:
			return err
		case first == tag && second == "OK":
			return nil
		case first != "*" || second == "BYE":
			return fmt.Errorf("%w: it answers %.200q", errNoTLS, answer)
		}
	}
}

// words are the first two words of a line, the second in capitals.
func words(line string) (first, second string) {
	first, rest, _ := strings.Cut(line, " ")
	second, _, _ = strings.Cut(rest, " ")
	return first, strings.ToUpper(second)
}

// maxClearText bounds what is read before TLS, in bytes.
const maxClearText = 16 << 10

// clearText reads lines, a byte at a time: what was sent behind the answer to
// STARTTLS is left to the handshake, which fails over it, and can never pass
// for something said over TLS (CVE-2011-0411).
type clearText struct {
	r    io.Reader
	left int
}

func (c *clearText) line() (string, error) {
	var line []byte
	var b [1]byte
	for {
		if c.left--; c.left < 0 {
			return "", fmt.Errorf("%w: it says more than %d KiB before it", errNoTLS, maxClearText>>10)
		}
		if _, err := io.ReadFull(c.r, b[:]); err != nil {
			return "", err
		}
		if b[0] == '\n' {
			return strings.TrimSuffix(string(line), "\r"), nil
		}
		line = append(line, b[0])
	}
}
