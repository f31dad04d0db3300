//go:build linux

package realparts

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	certificate "github.com/sepwatch/sepwatch/internal/simulate/serve"
)

// The one account of a [DovecotServer].
const (
	DovecotUser     = "demo"
	DovecotPassword = "demo-password"
)

// dovecotReady bounds how long starting and stopping may take.
const dovecotReady = 20 * time.Second

// DovecotServer is a Dovecot (2.3) of the test's own.
type DovecotServer struct {
	// Address speaks plain IMAP and TLSAddress IMAP over TLS; both are
	// loopback and stay the same over Restart.
	Address, TLSAddress string
	// CAPEM is the certificate, for a client's CA file.
	CAPEM []byte
	// Maildir is the account's INBOX. Other folders are Maildir/.Name.
	Maildir string

	t        testing.TB
	program  string
	dir      string
	uid, gid int
	appended int
	cmd      *exec.Cmd
	exited   chan error
}

// Dovecot starts a Dovecot with an empty INBOX and a folder Processed in a
// temporary folder, and stops it when the test ends. settings are lines for
// its configuration, after the ones it needs.
func Dovecot(t testing.TB, settings ...string) *DovecotServer {
	t.Helper()
	d := &DovecotServer{t: t, program: Need(t, "Dovecot", "dovecot", "/usr/sbin/dovecot")}
	// Not t.TempDir: only its owner may enter that, and Dovecot works as other
	// users; and socket names under it may be too long.
	dir, err := os.MkdirTemp("", "dovecot")
	d.must("make its folder", err)
	d.dir = dir
	t.Cleanup(func() {
		d.Stop()
		if t.Failed() {
			t.Logf("Dovecot's log:\n%s", d.log())
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove Dovecot's folder: %v", err)
		}
	})
	d.configure(settings)
	d.Start()
	return d
}

func (d *DovecotServer) must(doing string, err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatalf("Dovecot: %s: %v", doing, err)
	}
}

func (d *DovecotServer) configure(settings []string) {
	d.t.Helper()
	d.must("open its folder", os.Chmod(d.dir, 0o755))
	d.uid, d.gid = os.Getuid(), os.Getgid()
	users := ""
	if d.uid == 0 {
		nobody, err := user.Lookup("nobody")
		d.must("find the user for mail", err)
		d.uid, err = strconv.Atoi(nobody.Uid)
		d.must("find the user for mail", err)
		d.gid, err = strconv.Atoi(nobody.Gid)
		d.must("find the group for mail", err)
	} else {
		// Without root, everything runs as the one user there is.
		me, err := user.Current()
		d.must("find this user", err)
		group, err := user.LookupGroupId(me.Gid)
		d.must("find this group", err)
		users = fmt.Sprintf("default_internal_user = %[1]s\ndefault_login_user = %[1]s\ndefault_internal_group = %[2]s\n"+
			"service anvil {\n  chroot =\n}\nservice imap-login {\n  chroot =\n}\n", me.Username, group.Name)
	}
	home := filepath.Join(d.dir, "mail")
	d.Maildir = filepath.Join(home, "Maildir")
	for _, folder := range []string{d.Maildir, filepath.Join(d.Maildir, ".Processed")} {
		for _, sub := range []string{"cur", "new", "tmp"} {
			d.must("make a Maildir", os.MkdirAll(filepath.Join(folder, sub), 0o700))
		}
	}
	d.must("make a Maildir", filepath.WalkDir(home, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, d.uid, d.gid)
	}))
	d.writeCertificate()

	d.Address, d.TLSAddress = freeAddress(d.t), freeAddress(d.t)
	conf := fmt.Sprintf(`protocols = imap
listen = 127.0.0.1
base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = %[1]s/log
ssl = yes
ssl_cert = <%[1]s/cert.pem
ssl_key = <%[1]s/key.pem
disable_plaintext_auth = no
auth_failure_delay = 0
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:%[2]s
namespace inbox {
  inbox = yes
  separator = /
}
passdb {
  driver = passwd-file
  args = scheme=PLAIN %[1]s/users
}
userdb {
  driver = static
  args = uid=%[3]d gid=%[4]d home=%[5]s
}
service imap-login {
  inet_listener imap {
    port = %[6]s
  }
  inet_listener imaps {
    port = %[7]s
    ssl = yes
  }
}
%[8]s%[9]s
`, d.dir, d.Maildir, d.uid, d.gid, home, port(d.Address), port(d.TLSAddress), users, strings.Join(settings, "\n"))
	d.must("write its configuration", os.WriteFile(d.path("dovecot.conf"), []byte(conf), 0o600))
	// Readable by all, as the process that reads it is not root; the password
	// is no secret.
	d.must("write its user", os.WriteFile(d.path("users"), fmt.Appendf(nil, "%s:%s\n", DovecotUser, DovecotPassword), 0o644))
}

func (d *DovecotServer) path(name string) string { return filepath.Join(d.dir, name) }

func (d *DovecotServer) writeCertificate() {
	d.t.Helper()
	cert, caPEM, err := certificate.SelfSigned()
	d.must("make its certificate", err)
	der, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	d.must("encode its key", err)
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	d.CAPEM = caPEM
	d.must("write its certificate", os.WriteFile(d.path("cert.pem"), caPEM, 0o644))
	d.must("write its key", os.WriteFile(d.path("key.pem"), key, 0o600))
}

func port(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

// freeAddress returns a loopback address that was free a moment ago.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("find a free port: %v", err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Start starts the server and waits until it greets.
func (d *DovecotServer) Start() {
	d.t.Helper()
	d.cmd = exec.Command(d.program, "-F", "-c", d.path("dovecot.conf"))
	// A file, not a pipe: the children hold it too, and need not be waited for.
	out, err := os.OpenFile(d.path("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	d.must("open its log", err)
	defer out.Close()
	d.cmd.Stdout, d.cmd.Stderr = out, out
	// A process group, so that no child outlives the test, and a signal for
	// when the test is killed.
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	started := make(chan error)
	d.exited = make(chan error, 1)
	go func(cmd *exec.Cmd, exited chan<- error) {
		runtime.LockOSThread() // Pdeathsig is sent when the starting thread ends
		err := cmd.Start()
		started <- err
		if err == nil {
			exited <- cmd.Wait()
		}
	}(d.cmd, d.exited)
	if err := <-started; err != nil {
		d.cmd = nil
		d.t.Fatalf("Dovecot: start: %v", err)
	}

	deadline := time.Now().Add(dovecotReady)
	for !d.greets() {
		select {
		case err := <-d.exited:
			d.cmd = nil
			d.t.Fatalf("Dovecot ended at once: %v\n%s", err, d.log())
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			d.t.Fatalf("Dovecot does not greet at %s within %v", d.Address, dovecotReady)
		}
	}
}

func (d *DovecotServer) greets() bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", d.Address)
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(time.Second))
	line, err := bufio.NewReader(conn).ReadString('\n')
	return err == nil && strings.HasPrefix(line, "* OK")
}

// Stop ends the server and its connections. It may be called again.
func (d *DovecotServer) Stop() {
	d.t.Helper()
	if d.cmd == nil {
		return
	}
	group := -d.cmd.Process.Pid
	_ = syscall.Kill(group, syscall.SIGTERM)
	select {
	case <-d.exited:
	case <-time.After(dovecotReady):
		d.t.Errorf("Dovecot does not end within %v", dovecotReady)
	}
	// Children that are still there hold nothing worth waiting for.
	_ = syscall.Kill(group, syscall.SIGKILL)
	d.cmd = nil
}

// Restart ends and starts the server.
func (d *DovecotServer) Restart() {
	d.t.Helper()
	d.Stop()
	d.Start()
}

// Append delivers mails into INBOX in this order, as a delivery agent does: a
// file under tmp, renamed into new. A zero time means now.
func (d *DovecotServer) Append(when time.Time, mails ...[]byte) {
	d.t.Helper()
	for _, raw := range mails {
		d.appended++
		// Names give the order of the UIDs.
		name := fmt.Sprintf("%010d.M%09d.test", 1_000_000_000, d.appended)
		tmp := filepath.Join(d.Maildir, "tmp", name)
		d.must("deliver a mail", os.WriteFile(tmp, raw, 0o600))
		d.must("deliver a mail", os.Chown(tmp, d.uid, d.gid))
		if !when.IsZero() {
			d.must("date a mail", os.Chtimes(tmp, when, when))
		}
		d.must("deliver a mail", os.Rename(tmp, filepath.Join(d.Maildir, "new", name)))
	}
}

// Rebuild gives INBOX a new UIDVALIDITY and its mails new UIDs, as after a
// restore. It restarts the server.
func (d *DovecotServer) Rebuild() {
	d.t.Helper()
	d.Stop()
	// Dovecot keeps "3 V<validity> N<next> G<guid>" as the first line of the
	// list; without one it takes the clock, which may not have moved on.
	list := filepath.Join(d.Maildir, "dovecot-uidlist")
	data, err := os.ReadFile(list)
	d.must("read its UID list", err)
	var validity uint32
	for field := range strings.FieldsSeq(string(data)) {
		if v, ok := strings.CutPrefix(field, "V"); ok {
			n, err := strconv.ParseUint(v, 10, 32)
			d.must("read its UIDVALIDITY", err)
			validity = uint32(n)
			break
		}
	}
	indexes, err := filepath.Glob(filepath.Join(d.Maildir, "dovecot*"))
	d.must("find its indexes", err)
	for _, name := range indexes {
		d.must("remove its indexes", os.Remove(name))
	}
	d.must("write its UID list", os.WriteFile(list, fmt.Appendf(nil, "3 V%d N1\n", validity+1), 0o600))
	d.must("write its UID list", os.Chown(list, d.uid, d.gid))
	d.Start()
}

func (d *DovecotServer) log() string {
	data, err := os.ReadFile(d.path("log"))
	if err != nil {
		return err.Error()
	}
	return string(data)
}
