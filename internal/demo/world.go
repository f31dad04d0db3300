package demo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sepwatch/sepwatch/internal/simulate/alert"
	"github.com/sepwatch/sepwatch/internal/simulate/fault"
	"github.com/sepwatch/sepwatch/internal/simulate/mailbox"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/internal/simulate/serve"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

// sepmFaultRate is higher than that of other stand-ins, since lookups share
// their requests.
const sepmFaultRate = 10

// world is the stand-ins and the alerts between them.
type world struct {
	alerts []alert.Alert
	faulty bool

	mailbox  *mailbox.Server
	soar     *soar.Server
	caPEM    []byte
	sepmHTTP *serve.HTTP
	soarHTTP *serve.HTTP

	sepmFaults, soarFaults *fault.Set
}

func newWorld(opts Options) (*world, error) {
	w := &world{faulty: opts.Faults, sepmFaults: fault.New(1), soarFaults: fault.New(2)}
	fleet := sepm.Fleet(1, opts.Alerts)
	for i, c := range fleet {
		w.alerts = append(w.alerts, alert.About(i, c))
	}
	w.soar = soar.New(soar.Options{KeyField: true})
	if err := w.start(sepm.New(sepm.Options{Computers: fleet})); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

func (w *world) start(manager *sepm.Server) error {
	var err error
	if w.mailbox, err = mailbox.New(mailbox.Options{Seed: 1}); err != nil {
		return err
	}
	cert, caPEM, err := serve.SelfSigned()
	if err != nil {
		return err
	}
	w.caPEM = caPEM
	if w.faulty {
		sepmFaults := fault.All()
		for i := range sepmFaults {
			sepmFaults[i].OneIn = sepmFaultRate
		}
		w.sepmFaults.On(sepmFaults...)
		w.soarFaults.On(fault.All()...)
		w.mailbox.SetFaults(mailbox.All()...)
	}
	if w.sepmHTTP, err = serve.Start("127.0.0.1:0", &cert, w.sepmFaults.Wrap(manager)); err != nil {
		return err
	}
	w.soarHTTP, err = serve.Start("127.0.0.1:0", &cert, w.soarFaults.Wrap(w.soar))
	return err
}

// send puts the alerts into the mailbox.
func (w *world) send(ctx context.Context) error {
	for _, a := range w.alerts {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		now := time.Now()
		if _, err := w.mailbox.Append(a.Mail(now), now); err != nil {
			return fmt.Errorf("append alert %d: %w", a.Number, err)
		}
	}
	return nil
}

// writeConfig writes the configuration of a daemon between the stand-ins.
func (w *world) writeConfig(dir string) (string, error) {
	timeout := "30s"
	if w.faulty {
		timeout = "1s" // a lost answer is looked for after this
	}
	inbox := url.URL{Scheme: "imaps", User: url.User(mailbox.Username), Host: w.mailbox.Address(), Path: "/" + mailbox.Inbox}
	text := fmt.Sprintf(`mailboxes:
  - {name: demo, url: %q, password: %s, ca_file: mailbox.pem, start: all, poll: 1s}
alerts:
  from: [%s]
whitelist:
  domains: [%s]
sepm:
  - {name: demo, url: %q, username: admin, password: admin, domain: Default, ca_file: http.pem, timeout: %s, requests_per_minute: 0}
resilient: {url: %q, org: Demo, api_key_id: demo, api_key_secret: demo, ca_file: http.pem, timeout: %s}
ledger: {path: ledger.db}
`, inbox.String(), mailbox.Password, alert.Sender, alert.Server, w.sepmHTTP.URL(), timeout, w.soarHTTP.URL(), timeout)
	files := map[string][]byte{"sepwatch.yaml": []byte(text), "mailbox.pem": w.mailbox.CAPEM(), "http.pem": w.caPEM}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return "", err
		}
	}
	return filepath.Join(dir, "sepwatch.yaml"), nil
}

func (w *world) where() string {
	return fmt.Sprintf("mailbox   imaps://%s  user %s, password %s\nSEPM      %s  user admin, password admin\nResilient %s  key demo, secret demo, org Demo\n",
		w.mailbox.Address(), mailbox.Username, mailbox.Password, w.sepmHTTP.URL(), w.soarHTTP.URL())
}

func (w *world) struck() string {
	return "faults at the mailbox: " + counted(w.mailbox.Injected()) +
		"\nfaults at SEPM: " + counted(w.sepmFaults.Counts()) +
		"\nfaults at Resilient: " + counted(w.soarFaults.Counts()) + "\n"
}

// counted lists how often each kind has happened.
func counted[K ~string](counts map[K]int) string {
	if len(counts) == 0 {
		return "none"
	}
	var list []string
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		list = append(list, fmt.Sprintf("%s %d", kind, counts[kind]))
	}
	return strings.Join(list, ", ")
}

func (w *world) close() error {
	var errs []error
	w.sepmFaults.Close()
	w.soarFaults.Close()
	for _, s := range []*serve.HTTP{w.sepmHTTP, w.soarHTTP} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	if w.mailbox != nil {
		errs = append(errs, w.mailbox.Close())
	}
	return errors.Join(errs...)
}
