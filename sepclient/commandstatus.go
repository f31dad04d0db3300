package sepclient

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// CommandStatus is how far one computer is with a command, and what came of
// it there. Times are in UTC, and zero until the client has the command.
type CommandStatus struct {
	// ComputerID and HardwareKey are [Computer.ID] and [Computer.HardwareKey].
	ComputerID, HardwareKey string
	Computer, IP            string
	Domain                  string
	// User is who was logged on.
	User string

	State    CommandState
	SubState CommandSubState
	// Detail is the substate in the client's words: files scanned, the file
	// that was handled, an error.
	Detail string
	// Began and Updated are when the client began and last reported.
	Began, Updated time.Time

	// FileID is the id of the uploaded file, which [Client.FileContent] takes.
	FileID string
	// Result is what the computer found in a scan for evidence. It is nil
	// where it reported nothing, which says neither yes nor no.
	Result *ScanResult

	// AsOf is when SEPM was asked for all this, by the client's clock.
	AsOf time.Time
}

// ScanResult is what one computer found.
type ScanResult struct {
	// Matches are the different matches, without those that are [NoMatch].
	Matches []Match
	// Err is why there may have been more, see [Matches]; nil where the result
	// was whole.
	Err error
}

// CommandStatus lists how far each computer is with a command, page by page as
// they are taken, and ends with the error where there is one. It changes
// nothing.
//
// The list can be empty for a moment after the command was sent. SEPM sorts it
// by the time of begin, so that while clients begin one may come twice, or not
// before the next walk. Whether an id that SEPM does not know is [ErrNotFound]
// or an empty list is not known.
func (c *Client) CommandStatus(ctx context.Context, id string) iter.Seq2[CommandStatus, error] {
	return func(yield func(CommandStatus, error) bool) {
		r := request{
			op: "command status", subject: id, method: http.MethodGet, path: "/command-queue/{id}", query: url.Values{}, read: true,
		}
		if err := checkID("command", id); err != nil {
			yield(CommandStatus{}, r.fail(Permanent, err.Error(), err))
			return
		}
		r.path = "/command-queue/" + id
		for p, err := range pages[commandStatusDTO](ctx, c, listing{request: r, size: c.options.PageSize}) {
			if err != nil {
				yield(CommandStatus{}, err)
				return
			}
			for i := range p.items {
				status := p.items[i].status()
				status.AsOf = p.asked
				if !yield(status, nil) {
					return
				}
			}
		}
	}
}

// commandStatusDTO is the state of one computer as SEPM writes it.
type commandStatusDTO struct {
	commandStatusFields
	result *ScanResult
}

type commandStatusFields struct {
	ComputerID   text   `json:"computerId"`
	HardwareKey  text   `json:"hardwareKey"`
	ComputerName text   `json:"computerName"`
	ComputerIP   text   `json:"computerIp"`
	DomainName   text   `json:"domainName"`
	User         text   `json:"currentLoginUserName"`
	StateID      number `json:"stateId"`
	SubStateID   number `json:"subStateId"`
	SubStateDesc text   `json:"subStateDesc"`
	BeginTime    text   `json:"beginTime"`
	UpdateTime   text   `json:"lastUpdateTime"`
	BinaryFileID text   `json:"binaryFileId"`
}

// read reads the result while the page is read, so that of a page of results
// no more than one is held as text. The result is most of the page, and
// encoding/json would go over it five times. The object is used up.
func (d *commandStatusDTO) read(object []byte) error {
	c := cutter{data: object, err: io.EOF}
	rest := make([]byte, 0, 512)
	err := c.members(func(key, value []byte) {
		if strings.EqualFold(string(key), `"resultInXML"`) {
			d.result = readResult(value)
			return
		}
		rest = append(append(append(append(rest, ','), key...), ':'), value...)
	})
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		return nil
	}
	rest[0] = '{'
	return json.Unmarshal(append(rest, '}'), &d.commandStatusFields)
}

// readResult reads a resultInXML; an empty one is nil.
func readResult(value []byte) *ScanResult {
	document := bytes.TrimSpace(unquote(value))
	if len(document) == 0 {
		return nil
	}
	result := new(ScanResult)
	e := eocReader{tagReader: tagReader{cutter{data: document, err: io.EOF}}}
	e.yield = func(m Match, err error) bool {
		if err != nil {
			result.Err = err
		} else if m.Kind != NoMatch {
			result.Matches = append(result.Matches, m)
		}
		return true
	}
	e.read()
	return result
}

// unquote is the text of a JSON string, empty of any other value. It is
// written over the string, which is never shorter.
func unquote(value []byte) []byte {
	if len(value) < 2 || value[0] != '"' {
		return nil
	}
	value = value[1 : len(value)-1]
	out := value[:0]
	for {
		i := bytes.IndexByte(value, '\\')
		if i < 0 || i+1 == len(value) {
			return append(out, value...)
		}
		out, value = append(out, value[:i]...), value[i:]
		if plain := strings.IndexByte(`"\/bfnrt`, value[1]); plain >= 0 {
			out, value = append(out, "\"\\/\b\f\n\r\t"[plain]), value[2:]
			continue
		}
		r, size := unicodeEscape(value)
		if size == 0 { // no escape of JSON's
			out, value = append(out, value[0]), value[1:]
			continue
		}
		out, value = utf8.AppendRune(out, r), value[size:]
	}
}

// unicodeEscape is the character that an escape or a pair of them stands for,
// and how long it is; 0 where there is none.
func unicodeEscape(value []byte) (r rune, size int) {
	const length = len(`\u0000`)
	unit := func(s []byte) (rune, bool) {
		if len(s) < length || s[0] != '\\' || s[1] != 'u' {
			return utf8.RuneError, false
		}
		n, err := strconv.ParseUint(string(s[2:length]), 16, 16)
		return rune(n), err == nil
	}
	first, ok := unit(value)
	if !ok {
		return utf8.RuneError, 0
	}
	if utf16.IsSurrogate(first) {
		if second, ok := unit(value[length:]); ok && utf16.DecodeRune(first, second) != utf8.RuneError {
			return utf16.DecodeRune(first, second), 2 * length
		}
	}
	return first, length
}

func (d *commandStatusDTO) status() CommandStatus {
	return CommandStatus{
		ComputerID:  string(d.ComputerID),
		HardwareKey: string(d.HardwareKey),
		Computer:    string(d.ComputerName),
		IP:          string(d.ComputerIP),
		Domain:      string(d.DomainName),
		User:        string(d.User),
		State:       CommandState(d.StateID.or(-1)),
		SubState:    CommandSubState(d.SubStateID.or(int(SubStateUnknown))),
		Detail:      string(d.SubStateDesc),
		Began:       readTime(d.BeginTime),
		Updated:     readTime(d.UpdateTime),
		FileID:      string(d.BinaryFileID),
		Result:      d.result,
	}
}

// readTime reads the time of a command, which is ISO 8601 (A2); what it cannot
// read is left as absent.
func readTime(t text) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", "2006-01-02 15:04:05"} {
		if at, err := time.Parse(layout, string(t)); err == nil {
			return at.UTC()
		}
	}
	if ms, err := strconv.ParseInt(string(t), 10, 64); err == nil {
		return number{ms, true}.time()
	}
	return time.Time{}
}
