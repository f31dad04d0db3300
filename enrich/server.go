package enrich

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/sepwatch/sepwatch/sepclient"
)

// SEPM is what shared lookups ask. [sepclient.Client] implements it.
type SEPM interface {
	Computers(ctx context.Context, q sepclient.ComputerQuery) iter.Seq2[sepclient.Computer, error]
}

// Reader is what a plan may ask of a SEPM: nothing that changes anything.
// [sepclient.Client] implements it.
type Reader interface {
	SEPM
	Domains(ctx context.Context) ([]sepclient.DomainDetails, error)
	Groups(ctx context.Context, q sepclient.GroupQuery) iter.Seq2[sepclient.GroupDetails, error]
	Group(ctx context.Context, id, domainID string) (sepclient.GroupDetails, error)
	FingerprintList(ctx context.Context, id string) (sepclient.FingerprintList, error)
	FingerprintListByName(ctx context.Context, name, domainID string) (sepclient.FingerprintList, error)
	CommandStatus(ctx context.Context, id string) iter.Seq2[sepclient.CommandStatus, error]
	FileContent(ctx context.Context, id string, o sepclient.FileOptions) (*sepclient.File, error)
	CriticalEvents(ctx context.Context, acknowledged bool) (sepclient.CriticalEvents, error)
	Policies(ctx context.Context, q sepclient.PolicyQuery) ([]sepclient.PolicySummary, error)
	ExceptionsPolicy(ctx context.Context, id string) (sepclient.ExceptionsPolicy, error)
	FirewallPolicy(ctx context.Context, id string) (sepclient.FirewallPolicy, error)
}

// Manager is a whole SEPM. [sepclient.Client] implements it.
type Manager interface {
	Reader
	// ComputerPages is for lookups and long lists, see [Source].
	ComputerPages(ctx context.Context, q sepclient.ComputerQuery, size int, keep func(name string) bool) iter.Seq2[sepclient.ComputerPage, error]
	Scan(ctx context.Context, t sepclient.Targets, s sepclient.Scan) (sepclient.Sent, error)
	UploadFile(ctx context.Context, computers []string, f sepclient.WantedFile) (sepclient.Sent, error)
	Quarantine(ctx context.Context, t sepclient.Targets) (sepclient.Sent, error)
	UndoQuarantine(ctx context.Context, t sepclient.Targets) (sepclient.Sent, error)
	ActiveScan(ctx context.Context, t sepclient.Targets) (sepclient.Sent, error)
	FullScan(ctx context.Context, t sepclient.Targets) (sepclient.Sent, error)
	UpdateContent(ctx context.Context, t sepclient.Targets) (sepclient.Sent, error)
	CancelCommand(ctx context.Context, id string) (string, error)
	MoveComputers(ctx context.Context, moves ...sepclient.Move) ([]sepclient.Moved, error)
	CreateFingerprintList(ctx context.Context, l sepclient.FingerprintList) (id string, err error)
	EditFingerprintList(ctx context.Context, id, domainID string, edit sepclient.ListEdit) (sepclient.ListChange, error)
	ReplaceFingerprintList(ctx context.Context, l sepclient.FingerprintList) error
	DeleteFingerprintList(ctx context.Context, id string) error
	AssignLockdown(ctx context.Context, groupID, listID string) error
}

// Limits are the settings of a SEPM entry that actions and functions keep to.
type Limits struct {
	// Results is how many rows of one result go to a table, 0 for all.
	Results int
	// ScanTimeout is how long a command is followed closely, Heartbeat how
	// often clients report to SEPM.
	ScanTimeout, Heartbeat time.Duration
	// PerMinute is the budget of requests, 0 for none, and Timeout how long one
	// may take.
	PerMinute int
	Timeout   time.Duration
	// AllowGroupTargets lets a quarantine address a whole group.
	AllowGroupTargets bool
}

// Server is a SEPM entry as a plan meets it.
type Server struct {
	Reader
	Limits
	// Name is the entry's, empty for the only one.
	Name string
}

// Entry is a SEPM entry of the configuration.
type Entry struct {
	Name   string
	Limits Limits
	// Routine is asked by what starts by itself, Following for how commands
	// stand, and Urgent by what a person waits for, or what contains an attack.
	Routine, Following, Urgent Manager
}

// In is the entry's SEPM for a lane.
func (e *Entry) In(lane sepclient.Lane) Manager {
	switch lane {
	case sepclient.Urgent:
		return e.Urgent
	case sepclient.Following:
		return e.Following
	}
	return e.Routine
}

// Server is the entry for a plan in a lane.
func (e *Entry) Server(lane sepclient.Lane) Server {
	return Server{Reader: e.In(lane), Limits: e.Limits, Name: e.Name}
}

// Servers are the SEPM entries, the default first.
type Servers struct {
	Entries []*Entry
	// Choose gives the name of the entry for an alert, by its Domain and
	// Server; nil is the first for all.
	Choose func(domain, server string) string
}

// For is the name of the entry for an alert.
func (s *Servers) For(domain, server string) string {
	if s == nil || s.Choose == nil {
		return ""
	}
	return s.Choose(domain, server)
}

// Named is the entry of a name, the first where the name is empty.
func (s *Servers) Named(name string) (*Entry, error) {
	if s == nil || len(s.Entries) == 0 {
		return nil, fmt.Errorf("no SEPM is configured under sepm")
	}
	if name == "" {
		return s.Entries[0], nil
	}
	names := make([]string, len(s.Entries))
	for i, e := range s.Entries {
		if e.Name == name {
			return e, nil
		}
		names[i] = e.Name
	}
	return nil, fmt.Errorf("no SEPM named %q is configured any more under sepm, where there are %s", name, strings.Join(names, ", "))
}

// Share is a manager whose lookups of computers by name are shared.
func (l *Lookups) Share(m Manager) Manager { return shared{m, l} }

type shared struct {
	Manager
	lookups *Lookups
}

func (s shared) Computers(ctx context.Context, q sepclient.ComputerQuery) iter.Seq2[sepclient.Computer, error] {
	return s.lookups.Computers(ctx, q)
}
