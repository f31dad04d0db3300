package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sepwatch/sepwatch/internal/realparts"
)

// TestDocs does what the documents say: it runs the blocks marked "sh" and
// "console" of each, in order, in a folder that starts empty and with nothing
// but sepwatch and the system's programs, and compares what is printed. Every
// document but the README finds there the files that the README writes.
func TestDocs(t *testing.T) {
	t.Parallel()
	documents, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	documents = append([]string{"../../README.md"}, documents...)
	addresses := freeAddresses(t, len(documents)*len(documented))
	var files []step // of the README, which comes first
	for i, path := range documents {
		steps := readSteps(t, path)
		before := files
		if i == 0 {
			files = slices.DeleteFunc(slices.Clone(steps), func(s step) bool { return !strings.HasPrefix(s.command, "cat >") })
			require.NotEmpty(t, files)
		}
		if len(steps) == 0 {
			continue
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			r := newReader(t, addresses[i*len(documented):])
			r.follow(before)
			r.follow(steps)
		})
	}
}

// TestRehearsals holds the stand-ins' flags that the documents name in passing
// to those that there are.
func TestRehearsals(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../docs/operating.md")
	require.NoError(t, err)
	named := regexp.MustCompile("`(simulate [^`]+)`").FindAllStringSubmatch(string(data), -1)
	require.NotEmpty(t, named)
	for _, command := range named {
		out, err := exec.Command("sh", "-c", "sepwatch "+command[1]+" --help").CombinedOutput()
		require.NoError(t, err, "%s\n%s", command[1], out)
	}
}

// A step is a command of a document and what it is said to print.
type step struct{ place, command, prints string }

// readSteps reads a document: a "sh" block is one command that prints nothing,
// and in a "console" block a command follows each "$ ".
func readSteps(t *testing.T, path string) (steps []step) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	fence := "" // the block's language
	inside := false
	for i, line := range strings.SplitAfter(string(data), "\n") {
		place := fmt.Sprintf("%s:%d", filepath.Base(path), i+1)
		switch {
		case strings.HasPrefix(line, "```"):
			inside = !inside
			fence = strings.TrimSpace(strings.TrimPrefix(line, "```"))
			if inside {
				require.Contains(t, []string{"console", "sh", "text", "yaml", "eml"}, fence, "%s: a transcript that cannot run is text", place)
			}
			if inside && fence == "sh" {
				steps = append(steps, step{place: place})
			}
		case inside && fence == "sh":
			steps[len(steps)-1].command += line
		case inside && fence == "console":
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				steps = append(steps, step{place: place, command: strings.TrimSpace(command)})
			} else {
				require.NotEmpty(t, steps, "%s: output before a command", place)
				steps[len(steps)-1].prints += line
			}
		}
	}
	return steps
}

// A reader is somebody who follows a document in a shell.
type reader struct {
	t    *testing.T
	dir  string
	jobs []*job
	// What is said here instead of what the document says, and back.
	here, there *strings.Replacer
}

// A job is a program that the reader has put into the background with "&".
type job struct {
	cmd   *exec.Cmd
	shown shown
}

// documented are the addresses of the documents: SEPM's, Resilient's, the
// mailbox's and the daemon's.
var documented = []string{"127.0.0.1:8446", "127.0.0.1:8443", "127.0.0.1:8993", "127.0.0.1:9180"}

// freeAddresses gives n loopback addresses that are free, and stay so: their
// ports are below those that systems give out for port 0.
func freeAddresses(t *testing.T, n int) (free []string) {
	t.Helper()
	for port := 20000 + rand.IntN(8000); len(free) < n; port++ {
		require.Less(t, port, 32000, "there are not %d free ports", n)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			free = append(free, l.Addr().String())
			require.NoError(t, l.Close())
		}
	}
	return free
}

// newReader makes a reader who has these addresses in place of the documented.
func newReader(t *testing.T, addresses []string) *reader {
	realparts.Need(t, "curl", "curl")
	r := &reader{t: t, dir: t.TempDir()}
	here, there := []string{"/home/me/try", r.dir}, []string{r.dir, "/home/me/try"}
	for i, said := range documented {
		here, there = append(here, said, addresses[i]), append(there, addresses[i], said)
	}
	// The stand-ins' own ports are the documented ones.
	for i, name := range []string{"sepm", "resilient", "mailbox"} {
		command := "sepwatch simulate " + name
		here = append(here, command, command+" --listen "+addresses[i])
	}
	r.here, r.there = strings.NewReplacer(here...), strings.NewReplacer(there...)
	t.Cleanup(func() {
		for i := len(r.jobs); i > 0; i-- {
			r.end(i)
		}
	})
	return r
}

// looks are commands that a reader may repeat until they show what is awaited.
var looks = regexp.MustCompile(`^(sepwatch \w+ (list|show) |tail |curl -sS http://)`)

func (r *reader) follow(steps []step) {
	for _, s := range steps {
		if kill, job, ok := strings.Cut(s.command, " %"); ok && strings.HasPrefix(kill, "kill") {
			number, err := strconv.Atoi(job)
			require.NoError(r.t, err, s.place)
			if kill == "kill -HUP" {
				require.NoError(r.t, r.jobs[number-1].cmd.Process.Signal(syscall.SIGHUP), s.place)
			} else {
				r.end(number)
			}
			continue
		}
		if command, ok := strings.CutSuffix(s.command, " &"); ok {
			j := &job{cmd: r.command("exec " + command)}
			j.cmd.Stdout, j.cmd.Stderr = &j.shown, &j.shown
			require.NoError(r.t, j.cmd.Start(), s.place)
			r.jobs = append(r.jobs, j)
			r.eventually(s, true, j.shown.String)
			continue
		}
		run := func() string {
			out, err := r.command(s.command).CombinedOutput()
			failed := strings.Contains(s.prints, "sepwatch: ") // as it is shown
			require.Equal(r.t, failed, err != nil, "%s: %s: %v\n%s", s.place, s.command, err, out)
			return string(out)
		}
		if looks.MatchString(s.command) {
			r.eventually(s, false, run) // the daemon may not have come to it yet
			continue
		}
		got := run()
		require.Regexp(r.t, r.pattern(s, false), r.said(got), "%s: %s", s.place, s.command)
	}
}

func (r *reader) command(text string) *exec.Cmd {
	cmd := exec.Command("sh", "-c", r.here.Replace(text))
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "TZ=UTC")
	return cmd
}

// eventually waits until what is printed is what the step says, or begins so.
func (r *reader) eventually(s step, begins bool, printed func() string) {
	r.t.Helper()
	pattern := r.pattern(s, begins)
	var got string
	for end := time.Now().Add(soon); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if got = r.said(printed()); pattern.MatchString(got) {
			return
		}
	}
	require.Regexp(r.t, pattern, got, "%s: %s", s.place, s.command)
}

// end ends a job, counted from 1, as "kill" does. It must take that well.
func (r *reader) end(number int) {
	j := r.jobs[number-1]
	if j.cmd.ProcessState != nil {
		return
	}
	if err := j.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		r.t.Errorf("end %v: %v", j.cmd.Args, err)
	}
	if err := j.cmd.Wait(); err != nil {
		r.t.Errorf("%v: %v\n%s", j.cmd.Args, err, j.shown.String())
	}
}

// vary are the parts of an output that are others each time.
var vary = regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?|sha256:[0-9A-Fa-f:]{64,95}|[0-9a-f]{64}|(?i:uidvalidity)[ =]\d+|version=\S+`)

// said is an output as the document would show it.
func (r *reader) said(output string) string { return steady(r.there.Replace(output)) }

// steady leaves out what varies, and the spaces that editors take away.
func steady(output string) string {
	return regexp.MustCompile(`(?m) +$`).ReplaceAllString(vary.ReplaceAllString(output, "#"), "")
}

// pattern matches what the step says that is printed. There "…" stands for
// anything within a line, and on a line of its own for any lines.
func (r *reader) pattern(s step, begins bool) *regexp.Regexp {
	text := regexp.QuoteMeta(steady(s.prints))
	text = regexp.MustCompile(`(?m)^…\n`).ReplaceAllLiteralString(text, `(?:.*\n)*`)
	text = "^" + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "…", ".*")
	if !begins {
		text += "\n?$"
	}
	return regexp.MustCompile(text)
}

// shown is what a job has printed so far.
type shown struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *shown) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *shown) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}
