package bench

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/sepwatch/sepwatch/internal/realparts"
	"github.com/sepwatch/sepwatch/internal/simulate/sepm"
	"github.com/sepwatch/sepwatch/internal/simulate/soar"
)

// measureMemory watches the daemon's memory while it drains a large mailbox
// and delivers meanwhile, and while it reads a very large mail; and it
// compares the time for a mail in a large mailbox with that in a smaller one.
func measureMemory(tb testing.TB, s scale, got figures) {
	large := mailbox(tb, s.memory)
	fleet := sepm.Fleet(1, s.memory)
	d := newDaemon(tb, large, settings{soar: soar.New(soar.Options{KeyField: true}), sepm: sepm.New(sepm.Options{Computers: fleet})})
	d.run()
	d.drained(s.memory)
	got["rss_mb"] = d.stop()

	smaller := mailbox(tb, s.growth)
	var few []float64
	for range 3 {
		few = append(few, perMail(tb, smaller, s.growth))
	}
	got["reference_growth_ms_per_mail"] = median(few)
	got["cost_growth"] = perMail(tb, large, s.memory) / median(few)

	mail := realparts.Dovecot(tb)
	mail.Append(time.Time{}, largeMail(s.large))
	d = newDaemon(tb, mail, settings{})
	d.run()
	d.drained(1)
	got["rss_mb_large_mail"] = d.stop()
}

// perMail is the time that draining takes for one mail, in milliseconds.
func perMail(tb testing.TB, mail *realparts.DovecotServer, n int) float64 {
	tb.Helper()
	took, _ := drain(tb, mail, n, settings{})
	return took.Seconds() * 1e3 / float64(n)
}

// largeMail is an alert with an attachment that makes it so many bytes.
func largeMail(size int) []byte {
	head, body, _ := bytes.Cut(alertMail(0, sepm.Fleet(1, 1)[0]), []byte("\r\n\r\n"))
	head = bytes.Replace(head, []byte("Content-Type: text/plain; charset=UTF-8"), []byte(`Content-Type: multipart/mixed; boundary="b"`), 1)
	mail := fmt.Appendf(make([]byte, 0, size+1024), "%s\r\n\r\n--b\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\n%s\r\n--b\r\n"+
		"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n", head, body)
	line := append(bytes.Repeat([]byte("QUFB"), 19), "\r\n"...)
	for len(mail) < size {
		mail = append(mail, line...)
	}
	return append(mail, "--b--\r\n"...)
}
