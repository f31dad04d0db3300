package enrich

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/sepwatch/sepwatch/incident"
	"github.com/sepwatch/sepwatch/sepclient"
)

// Function is one call of SEPM with typed input and result (guide §5).
type Function struct {
	incident.FunctionDef
	// Changes is whether it changes anything at SEPM.
	Changes bool
	// Keys are those of its whole result.
	Keys []KeyDef
	// Differs says where it does something else than fn_sep.
	Differs []string
	// Unset says what counts where an input without a default is left out. Of
	// these a required one is required in a form alone: fn_sep does not ask for
	// it.
	Unset map[string]string

	call func(ctx context.Context, c call) (Output, error)
}

// KeyDef is a key of a result, or several that are alike.
type KeyDef struct {
	// Name is the key; one within a list or an object is written after it, as
	// in content[].stateId.
	Name string
	Help string
	// New is whether fn_sep does not have it.
	New bool
}

// Options say how a SEPM may be used. The zero value forbids whole groups as
// targets, and has no bounds.
type Options struct {
	Limits
	// Server is the name of the SEPM entry in the configuration.
	Server string
	// Now is the clock, time.Now where it is nil.
	Now func() time.Time
	// Allow is asked before each call that changes something at SEPM; its
	// error keeps the call from being made. Nil allows all.
	Allow func(incident.Call) error
}

const defaultHeartbeat = 15 * time.Minute

// Functions are all functions: those of the guide in its order, and then the
// five that fn_sep has had since 1.1.
func Functions() []Function {
	return []Function{
		scanEndpoints(), uploadFile(), getFileContent(), getComputers(), moveEndpoint(), quarantineEndpoints(),
		getFingerprintList(), addFingerprintList(), updateFingerprintList(), getGroups(), assignFingerprintList(),
		deleteFingerprintList(), getCommandStatus(), getDomains(),
		cancelCommand(), getCriticalEvents(), getPolicySummary(), getExceptionsPolicy(), getFirewallPolicy(),
	}
}

// Call calls SEPM with inputs by their names. An input that the function does
// not take or cannot read is an [*InputError], found before anything is sent;
// every other error is SEPM's, or that of [Options.Allow]. A function that
// changes something has done so when Call returns.
func (f Function) Call(ctx context.Context, sepm Manager, inputs map[string]string, o Options) (Output, error) {
	in, err := f.check(inputs)
	if err != nil {
		return Output{}, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Heartbeat == 0 {
		o.Heartbeat = defaultHeartbeat
	}
	return f.call(ctx, call{f.Name, sepm, in, o})
}

// Whole is [Function.Call] with all of the result in one object. What fn_sep
// gives as a result and is SEPM's refusal in truth comes as
// [Result.Problem]. With an error the result holds what there is all the same:
// ids of commands that were sent before the error.
func (f Function) Whole(ctx context.Context, sepm Manager, inputs map[string]string, o Options) (Result, error) {
	out, err := f.Call(ctx, sepm, inputs, o)
	var result Result
	if err == nil {
		result, err = out.whole()
	}
	var r *knownRefusal
	if errors.As(err, &r) {
		return Result{Content: r.content, Problem: r.err}, nil
	}
	return result, err
}

// call is one call of a function.
type call struct {
	function string
	sepm     Manager
	in       input
	Options
}

// allow asks whether a call may be made.
func (c call) allow(op incident.Operation, t incident.Target, body any) error {
	if c.Allow == nil {
		return nil
	}
	t.Server = c.Server
	if err := c.Allow(*newCall(op, t, body)); err != nil {
		return fmt.Errorf("%s was not sent: %w", op, err)
	}
	return nil
}

// knownRefusal is an answer of SEPM that workflow scripts look for in the content
// of a result.
type knownRefusal struct {
	content any
	err     error
}

func (r *knownRefusal) Error() string { return r.err.Error() }
func (r *knownRefusal) Unwrap() error { return r.err }

// expected makes a knownRefusal of an answer that has one of the statuses.
func expected(err error, statuses ...int) error {
	var e *sepclient.Error
	if !errors.As(err, &e) || !slices.Contains(statuses, e.Status) {
		return err
	}
	return &knownRefusal{errorBody{ErrorCode: strconv.Itoa(e.Status), ErrorMessage: e.Message}, err}
}

// errorBody is SEPM's answer to what it refuses (contract: SEPM API A3).
type errorBody struct {
	ErrorCode    string `json:"errorCode"`
	AppErrorCode string `json:"appErrorCode"`
	ErrorMessage string `json:"errorMessage"`
}
