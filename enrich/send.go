package enrich

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// Repeatable reports whether an operation may be sent again when nobody knows
// whether it was done: it does no more the second time, or [Send] looks first.
// SEPM has no list of its commands, so for the others a person has to look.
func Repeatable(op incident.Operation) bool {
	return op != incident.OpRemediate && op != incident.OpCancel
}

// Send sends a call, again where it may have been sent before. A call for many
// may be done in part: then left is what is still to be sent, body the answer
// to the rest, and the error why.
func Send(ctx context.Context, sepm Manager, c incident.Call, again bool) (body json.RawMessage, left *incident.Call, err error) {
	t := sepclient.Targets{Computers: c.Target.Computers, Groups: c.Target.Groups}
	switch c.Operation {
	case incident.OpScan, incident.OpRemediate:
		b, err := decode[scanBody](c.Body)
		if err != nil {
			return nil, nil, err
		}
		return answerTo(c)(sepm.Scan(ctx, t, b.scan(c.Operation == incident.OpRemediate)))
	case incident.OpUpload:
		b, err := decode[uploadBody](c.Body)
		if err != nil {
			return nil, nil, err
		}
		return answerTo(c)(sepm.UploadFile(ctx, t.Computers, sepclient.WantedFile{
			Path: b.Path, Hash: sepclient.FileHash{Kind: b.Kind, Value: b.Hash}, Source: b.Source,
		}))
	case incident.OpQuarantine:
		return answerTo(c)(sepm.Quarantine(ctx, t))
	case incident.OpUndoQuarantine:
		return answerTo(c)(sepm.UndoQuarantine(ctx, t))
	case incident.OpActiveScan:
		return answerTo(c)(sepm.ActiveScan(ctx, t))
	case incident.OpFullScan:
		return answerTo(c)(sepm.FullScan(ctx, t))
	case incident.OpUpdateContent:
		return answerTo(c)(sepm.UpdateContent(ctx, t))
	case incident.OpCancel:
		id, err := sepm.CancelCommand(ctx, c.Target.Object)
		if err != nil {
			return nil, nil, err
		}
		return encode(commandAnswer{[]string{id}}), nil, nil
	case incident.OpMove:
		body, err = move(ctx, sepm, c, again)
	case incident.OpCreateList:
		body, err = createList(ctx, sepm, c, again)
	case incident.OpEditList:
		body, err = editList(ctx, sepm, c, again)
	case incident.OpDeleteList:
		err = sepm.DeleteFingerprintList(ctx, c.Target.Object)
		if again && errors.Is(err, sepclient.ErrNotFound) {
			err = nil // it was done the first time
		}
	case incident.OpAssignList:
		err = assignList(ctx, sepm, c, again)
	default:
		err = fmt.Errorf("no call of SEPM is named %q", c.Operation)
	}
	return body, nil, err
}

// answerTo turns what became of a command into an answer.
func answerTo(c incident.Call) func(sepclient.Sent, error) (json.RawMessage, *incident.Call, error) {
	return func(s sepclient.Sent, err error) (json.RawMessage, *incident.Call, error) {
		if err == nil {
			return encode(commandAnswer{s.IDs()}), nil, nil
		}
		if len(s.IDs()) == 0 {
			return nil, nil, err
		}
		left := c
		left.Target.Computers, left.Target.Groups = nil, nil
		var why *sepclient.Error
		for _, p := range s.Parts {
			if p.Err == nil {
				continue
			}
			left.Target.Computers = append(left.Target.Computers, p.Computers...)
			left.Target.Groups = append(left.Target.Groups, p.Groups...)
			// Whether to go on is decided by one that may have been done, and
			// otherwise by the last one.
			if why == nil || why.Class != sepclient.Ambiguous {
				why = p.Err
			}
		}
		return encode(commandAnswer{s.IDs()}), &left, why
	}
}

// move moves computers. Where they may have been moved before, those that
// stand in the group already are left alone.
func move(ctx context.Context, sepm Manager, c incident.Call, again bool) (json.RawMessage, error) {
	b, err := decode[moveBody](c.Body)
	if err != nil {
		return nil, err
	}
	var moves []sepclient.Move
	for _, key := range c.Target.Computers {
		there := false
		if again {
			if there, err = isIn(ctx, sepm, key, b.GroupID); err != nil {
				return nil, err
			}
		}
		if !there {
			moves = append(moves, sepclient.Move{HardwareKey: key, GroupID: b.GroupID})
		}
	}
	var answer moveAnswer
	if len(moves) == 0 {
		return encode(answer), nil
	}
	moved, err := sepm.MoveComputers(ctx, moves...)
	if err != nil {
		return nil, err
	}
	for _, m := range moved {
		if m.Err != nil {
			if answer.Failed == nil {
				answer.Failed = make(map[string]string)
			}
			answer.Failed[m.HardwareKey] = m.Err.Error()
		}
	}
	return encode(answer), nil
}

func isIn(ctx context.Context, sepm Manager, hardwareKey, groupID string) (bool, error) {
	for c, err := range sepm.Computers(ctx, sepclient.ComputerQuery{HardwareKey: hardwareKey}) {
		if err != nil {
			return false, err
		}
		if c.HardwareKey == hardwareKey {
			return c.Group.ID == groupID, nil
		}
	}
	return false, nil
}

func createList(ctx context.Context, sepm Manager, c incident.Call, again bool) (json.RawMessage, error) {
	b, err := decode[createBody](c.Body)
	if err != nil {
		return nil, err
	}
	files, err := fileHashes(b.Hashes)
	if err != nil {
		return nil, err
	}
	id, err := sepm.CreateFingerprintList(ctx, sepclient.FingerprintList{
		Name: b.Name, Description: b.Description, DomainID: b.DomainID, Files: files,
	})
	if again && errors.Is(err, sepclient.ErrConflict) {
		list, problem := sepm.FingerprintListByName(ctx, b.Name, b.DomainID)
		if problem != nil {
			return nil, problem
		}
		if !slices.ContainsFunc(b.Hashes, func(h string) bool { return !list.Has(h) }) {
			id, err = list.ID, nil
		}
	}
	if err != nil {
		return nil, err
	}
	return encode(listAnswer{ID: id, Added: b.Hashes}), nil
}

func editList(ctx context.Context, sepm Manager, c incident.Call, again bool) (json.RawMessage, error) {
	b, err := decode[editBody](c.Body)
	if err != nil {
		return nil, err
	}
	change, err := sepm.EditFingerprintList(ctx, c.Target.Object, b.DomainID,
		sepclient.ListEdit{Add: b.Add, Remove: b.Remove, DeleteEmpty: b.DeleteEmpty})
	if again && b.DeleteEmpty && errors.Is(err, sepclient.ErrNotFound) {
		change.Deleted, err = true, nil // it was done the first time
	}
	if err != nil {
		return nil, err
	}
	return encode(listAnswer{c.Target.Object, change.Added, change.Removed, change.Interfered, change.Deleted}), nil
}

func assignList(ctx context.Context, sepm Manager, c incident.Call, again bool) error {
	if len(c.Target.Groups) != 1 {
		return fmt.Errorf("a list is assigned to one group at a time, not to %d", len(c.Target.Groups))
	}
	group := c.Target.Groups[0]
	err := sepm.AssignLockdown(ctx, group, c.Target.Object)
	if again && errors.Is(err, sepclient.ErrConflict) {
		list, problem := sepm.FingerprintList(ctx, c.Target.Object)
		if problem != nil {
			return problem
		}
		if slices.Contains(list.GroupIDs, group) {
			return nil
		}
	}
	return err
}
