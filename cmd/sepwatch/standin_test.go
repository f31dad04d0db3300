package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/rogpeppe/go-internal/testscript"
)

// standIns are the stand-ins of one script that run, by name.
type standIns map[string]*exec.Cmd

type standInsKey struct{}

func setupStandIns(env *testscript.Env) error {
	running := standIns{}
	env.Values[standInsKey{}] = running
	env.Defer(func() {
		for _, cmd := range running {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	return nil
}

func standInCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"standin": startStandIn,
		"stop":    stopStandIn,
		"get":     get,
		"append":  appendMail,
	}
}

// startStandIn is
//
//	standin sepm|resilient|mailbox [FLAG…]
//
// It runs "sepwatch simulate" on a free port until "stop", or the end of the
// script. What it says of itself stands in the environment afterwards: $sepm_url,
// $sepm_fingerprint and so on, the keys of its JSON, and $sepm_host, the host and
// port of its URL. Its standard error is the file sepm.log.
func startStandIn(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: standin sepm|resilient|mailbox [FLAG...]")
	}
	name := args[0]
	running := ts.Value(standInsKey{}).(standIns)
	if running[name] != nil {
		ts.Fatalf("%s runs already", name)
	}
	cmd := exec.Command("sepwatch", append([]string{"simulate", name, "--json", "--listen", "127.0.0.1:0"}, args[1:]...)...)
	cmd.Dir = ts.MkAbs(".")
	log, err := os.Create(ts.MkAbs(name + ".log"))
	ts.Check(err)
	defer log.Close()
	cmd.Stderr = log
	stdout, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	running[name] = cmd
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		ts.Fatalf("%s said nothing: %v\n%s", name, err, ts.ReadFile(name+".log"))
	}
	about := map[string]any{}
	ts.Check(json.Unmarshal(line, &about))
	for key, value := range about {
		if text, ok := value.(string); ok {
			ts.Setenv(name+"_"+key, text)
		}
	}
	where, err := url.Parse(ts.Getenv(name + "_url"))
	ts.Check(err)
	ts.Setenv(name+"_host", where.Host)
}

// stopStandIn is
//
//	stop NAME
//
// It interrupts a stand-in, which must then exit with status 0.
func stopStandIn(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: stop NAME")
	}
	running := ts.Value(standInsKey{}).(standIns)
	cmd := running[args[0]]
	if cmd == nil {
		ts.Fatalf("%s does not run", args[0])
	}
	ts.Check(cmd.Process.Signal(os.Interrupt))
	err := cmd.Wait()
	delete(running, args[0])
	ts.Check(err)
}

// get is
//
//	get STATUS URL [USER:PASSWORD [TEXT]]
//
// It asks until it gets that status and an answer with that text, for as long
// as anything in a test takes. $ca_file, where it is set, is the only file
// with certificates that are trusted.
func get(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 4 {
		ts.Fatalf("usage: get STATUS URL [USER:PASSWORD [TEXT]]")
	}
	args = append(args, "", "")
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	request, err := http.NewRequest(http.MethodGet, args[1], http.NoBody)
	ts.Check(err)
	if user, password, ok := strings.Cut(args[2], ":"); ok {
		request.SetBasicAuth(user, password)
	}
	client := &http.Client{Timeout: soon, Transport: &http.Transport{TLSClientConfig: trusting(ts), DisableKeepAlives: true}}
	for end := time.Now().Add(soon); ; time.Sleep(50 * time.Millisecond) {
		answer, err := client.Do(request)
		ts.Check(err)
		text, err := io.ReadAll(answer.Body)
		ts.Check(errors.Join(err, answer.Body.Close()))
		if answer.StatusCode == want && strings.Contains(string(text), args[3]) {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("GET %s: status %d: %s", args[1], answer.StatusCode, text)
		}
	}
}

// appendMail is
//
//	append FILE
//
// It puts a mail into the mailbox stand-in that runs, as any IMAP client does.
func appendMail(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: append FILE")
	}
	where, err := url.Parse(ts.Getenv("mailbox_url"))
	ts.Check(err)
	dial := imapclient.DialTLS
	switch {
	case ts.Getenv("mailbox_fingerprint") == "":
		dial = imapclient.DialInsecure
	case where.Scheme == "imap":
		dial = imapclient.DialStartTLS
	}
	secure := trusting(ts)
	secure.ServerName = where.Hostname()
	c, err := dial(where.Host, &imapclient.Options{TLSConfig: secure})
	ts.Check(err)
	defer func() { c.Close(); <-c.Closed() }()
	ts.Check(c.Login(where.User.Username(), ts.Getenv("mailbox_password")).Wait())
	raw := ts.ReadFile(args[0])
	appending := c.Append(strings.TrimPrefix(where.Path, "/"), int64(len(raw)), nil)
	_, err = io.WriteString(appending, raw)
	ts.Check(err)
	ts.Check(appending.Close())
	_, err = appending.Wait()
	ts.Check(err)
}

// trusting trusts $ca_file alone.
func trusting(ts *testscript.TestScript) *tls.Config {
	pool := x509.NewCertPool()
	if file := ts.Getenv("ca_file"); file != "" {
		pool.AppendCertsFromPEM([]byte(ts.ReadFile(file)))
	}
	return &tls.Config{RootCAs: pool}
}
