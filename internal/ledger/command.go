package ledger

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/sepwatch/sepwatch/incident"
)

// Command is a command at SEPM as the ledger holds it.
type Command struct {
	ID int64
	// Incident and Run are those that it was started for and by.
	Incident, Run int64
	incident.Command
	// Open is whether it is followed.
	Open bool
}

// AddCommands records commands, and wants a follow task for each.
func (tx Tx) AddCommands(commands []Command) error {
	lists := make([][]any, len(commands))
	for i, c := range commands {
		body, err := json.Marshal(c.Command)
		if err != nil {
			return fmt.Errorf("add the %s command of run %d: %w", c.Kind, c.Run, err)
		}
		lists[i] = []any{c.Incident, c.Run, string(c.Kind), string(c.Progress.State), micros(c.Started), string(body)}
	}
	ids := make([]int64, len(commands))
	err := tx.query(`
		INSERT INTO command (incident, run, kind, state, is_open, started, body)
		VALUES ($1, $2, $3, $4, TRUE, $5, $6) RETURNING id`,
		lists, func(i int, row Row) error { return row.Scan(&ids[i]) })
	if err != nil {
		return fmt.Errorf("add commands: %w", err)
	}
	return tx.Want(TaskFollow, ids...)
}

const selectCommands = `SELECT id, incident, run, is_open, body FROM command`

func scanCommand(row Row) (Command, error) {
	var c Command
	var body []byte
	if err := row.Scan(&c.ID, &c.Incident, &c.Run, &c.Open, &body); err != nil {
		return c, err
	}
	if err := json.Unmarshal(body, &c.Command); err != nil {
		return c, fmt.Errorf("read command %d: %w", c.ID, err)
	}
	return c, nil
}

// Commands returns those of the ids that exist, by ascending id.
func (tx Tx) Commands(ids []int64) ([]Command, error) {
	commands, err := selectByID(tx.transaction, selectCommands+" WHERE id IN ", " ORDER BY id", ids, scanCommand)
	if err != nil {
		return nil, fmt.Errorf("look up commands: %w", err)
	}
	return commands, nil
}

// SetCommands writes the body of commands and whether they are followed, by
// id.
func (tx Tx) SetCommands(commands []Command) error {
	lists := make([][]any, len(commands))
	for i, c := range commands {
		body, err := json.Marshal(c.Command)
		if err != nil {
			return fmt.Errorf("set command %d: %w", c.ID, err)
		}
		lists[i] = []any{c.ID, string(c.Progress.State), c.Open, string(body)}
	}
	err := tx.change(`UPDATE command SET state = $2, is_open = $3, body = $4 WHERE id = $1 RETURNING id`, lists)
	if err != nil {
		return fmt.Errorf("set commands: %w", err)
	}
	return nil
}

// CommandFilter says which commands are wanted; a field that is zero asks for
// nothing.
type CommandFilter struct {
	Kind  incident.CommandKind
	State incident.CommandState
	// Incident and Run are those that it was started for and by.
	Incident, Run int64
	// Open asks for those that are followed.
	Open bool
	// Since and Until are the first moment of Started that is wanted and the
	// first that is not any more.
	Since, Until time.Time
}

// ListCommands returns a page of the commands, the newest first.
func (tx Tx) ListCommands(f CommandFilter, page Page) ([]Command, error) {
	var where filter
	if f.Kind != "" {
		where.and("kind = " + where.arg(string(f.Kind)))
	}
	if f.State != "" {
		where.and("state = " + where.arg(string(f.State)))
	}
	if f.Incident != 0 {
		where.and("incident = " + where.arg(f.Incident))
	}
	if f.Run != 0 {
		where.and("run = " + where.arg(f.Run))
	}
	if f.Open {
		where.and("is_open")
	}
	where.between("started", f.Since, f.Until)
	commands, err := list(tx, selectCommands, &where, page, scanCommand)
	if err != nil {
		return nil, fmt.Errorf("list commands: %w", err)
	}
	return commands, nil
}

// WantFollow makes the following of commands due now, for a person who asks
// how they stand; one that had ended is followed again.
func (tx Tx) WantFollow(ids ...int64) error {
	lists := make([][]any, len(ids))
	for i, id := range ids {
		lists[i] = []any{id}
	}
	if err := tx.change(`UPDATE command SET is_open = TRUE WHERE id = $1 RETURNING id`, lists); err != nil {
		return fmt.Errorf("follow commands again: %w", err)
	}
	return tx.Want(TaskFollow, ids...)
}
