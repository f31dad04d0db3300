//go:build linux

package realparts

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
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

	"github.com/jackc/pgx/v5"
)

const (
	startTime = time.Minute // a busy machine's initdb and recovery
	stopTime  = 20 * time.Second
)

// Postgres starts a PostgreSQL server with an empty database and returns the
// database's URL. The server listens on a Unix socket in its temporary folder
// only, syncs to disk as it does in production, and stops when the test ends;
// the kernel stops it where the test's process dies before that. Tests that
// only need another database take [PostgresDatabase], which is cheaper.
func Postgres(t testing.TB) string {
	t.Helper()
	initdb := Need(t, "PostgreSQL", "initdb", "/usr/lib/postgresql/*/bin/initdb")
	server := filepath.Join(filepath.Dir(initdb), "postgres")

	// Not t.TempDir: the path of a socket has at most 107 bytes.
	dir, err := os.MkdirTemp("", "sepwatch-pg-")
	if err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove the PostgreSQL server: %v", err)
		}
	})
	attributes := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if os.Getuid() == 0 { // PostgreSQL refuses to run as root
		if attributes.Credential, err = unprivileged("postgres", "nobody"); err != nil {
			t.Fatalf("start PostgreSQL: %v", err)
		}
		if err := os.Chown(dir, int(attributes.Credential.Uid), int(attributes.Credential.Gid)); err != nil {
			t.Fatalf("start PostgreSQL: %v", err)
		}
	}

	data := filepath.Join(dir, "data")
	command := exec.Command(initdb, "--pgdata", data, "--username", "postgres", "--auth", "trust",
		"--encoding", "UTF8", "--locale", "C", "--no-sync")
	command.Dir, command.SysProcAttr = dir, attributes
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	command = exec.Command(server, "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "max_connections=200")
	command.Dir, command.SysProcAttr = dir, attributes
	ended := serve(t, command)
	admin := (&url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/postgres",
		RawQuery: url.Values{"host": {dir}}.Encode()}).String()
	if err := answers(admin, ended); err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
	return PostgresDatabase(t, admin)
}

// PostgresDatabase adds an empty database to the server of the URL, which
// Postgres gave, and returns the new one's URL. It goes with the server.
func PostgresDatabase(t testing.TB, server string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTime)
	defer cancel()
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		t.Fatalf("add a PostgreSQL database: %v", err)
	}
	defer conn.Close(ctx)
	name := "test_" + strings.ToLower(rand.Text())
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		t.Fatalf("add a PostgreSQL database: %v", err)
	}
	database, err := url.Parse(server)
	if err != nil {
		t.Fatalf("add a PostgreSQL database: %v", err)
	}
	database.Path = "/" + name
	return database.String()
}

// serve starts the server and has the test stop it when it ends; the channel
// is closed when the server has ended. Where the test fails the server's log
// is shown.
func serve(t testing.TB, server *exec.Cmd) (ended <-chan struct{}) {
	t.Helper()
	var log bytes.Buffer
	server.Stdout, server.Stderr = &log, &log
	started, over := make(chan error), make(chan struct{})
	go func() {
		defer close(over)
		// Pdeathsig is sent when the thread ends that started the process,
		// so that thread waits for it.
		runtime.LockOSThread()
		err := server.Start()
		started <- err
		if err == nil {
			_ = server.Wait() // what it has to say is in its log
		}
	}()
	if err := <-started; err != nil {
		t.Fatalf("start %s: %v", server.Path, err)
	}
	t.Cleanup(func() {
		// SIGQUIT has PostgreSQL stop without a checkpoint, which of hundreds of
		// databases can take a minute: they are thrown away.
		if err := server.Process.Signal(syscall.SIGQUIT); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("stop %s: %v", server.Path, err)
		}
		select {
		case <-over:
		case <-time.After(stopTime):
			t.Errorf("%s did not stop within %v and is killed", server.Path, stopTime)
			_ = server.Process.Kill() // it may have ended just now
			<-over
		}
		if t.Failed() {
			t.Logf("log of %s:\n%s", server.Path, log.String())
		}
	})
	return over
}

// answers waits until the server takes connections.
func answers(server string, ended <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, server)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-ended:
			return fmt.Errorf("the server ended: %w", err)
		case <-ctx.Done():
			return fmt.Errorf("no answer within %v: %w", startTime, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// unprivileged is the first of the users that there is.
func unprivileged(names ...string) (*syscall.Credential, error) {
	for _, name := range names {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("user %s: %w", name, err)
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("user %s: %w", name, err)
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, fmt.Errorf("none of the users %v exists to run a server that refuses root", names)
}
