// Command simulation tries to make a shop lose money. Replicas of a program
// made with this library, which are processes of their own on one database,
// are killed with kill -9 again and again while the emulated providers lose,
// delay, repeat and forge their callbacks, answer with errors, break answers
// off or are late; in the end the program's ledger is compared with the
// emulators' own books, order by order.
//
//	go run -C simulation . -orders 10000 -fault lost -db postgres -replicas 3 -seed 1
//	go run -C simulation . -orders 300 -fault all -db sqlite
//
// PostgreSQL and MySQL or MariaDB are at ACQUIRING_POSTGRES_DSN and
// ACQUIRING_MYSQL_DSN. It ends with status 1 when anything was lost, done
// twice, or believed that was forged.
//
// The seed decides all that happens to an order; when which process is killed,
// and who is first, is decided by the machine. For a run that repeats to the
// letter see the package single.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/simulation/world"
)

func main() {
	if told := os.Getenv(roleVariable); told != "" {
		if err := replica(told); err != nil {
			fmt.Fprintln(os.Stderr, "replica:", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ok, err := command(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "simulation:", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

// command runs the cells that the arguments name. It says whether nothing was
// lost in any of them.
func command(ctx context.Context, args []string, out, progress io.Writer) (ok bool, err error) {
	var c cell
	flags := flag.NewFlagSet("simulation", flag.ContinueOnError)
	faults := flags.String("fault", "storm", "faults, with commas between, or all: "+strings.Join(faultNames(), ", "))
	databases := flags.String("db", "sqlite", "sqlite, postgres, mysql, with commas between, or all")
	flags.IntVar(&c.orders, "orders", 1000, "how many orders customers make")
	flags.IntVar(&c.replicas, "replicas", 3, "how many processes the program is")
	flags.IntVar(&c.customers, "customers", 16, "how many customers there are at once")
	flags.Uint64Var(&c.seed, "seed", 1, "what all that happens to an order follows from")
	flags.DurationVar(&c.kill, "kill", time.Second, "a replica is killed about so often; 0: none is. A machine under load needs more: who is killed before he has begun does nothing")
	flags.DurationVar(&c.patience, "patience", 200*time.Second, "how long nothing may change before what is left is called lost")
	flags.BoolVar(&c.verbose, "v", false, "the replicas' logs")
	quiet := flags.Bool("q", false, "no progress")
	if err := flags.Parse(args); err != nil {
		return false, err
	}
	if !*quiet {
		c.progress = progress
	}
	if *faults == "all" {
		*faults = strings.Join(faultNames(), ",")
	}
	if *databases == "all" {
		*databases = "sqlite,postgres,mysql"
	}
	fmt.Fprintln(out, heading)
	ok = true
	for _, c.database = range strings.Split(*databases, ",") {
		for _, c.fault = range strings.Split(*faults, ",") {
			o, err := c.run(ctx)
			if err != nil {
				return false, fmt.Errorf("%s on %s: %w", c.fault, c.database, err)
			}
			fmt.Fprintln(out, c.row(o))
			for i, f := range o.Faults {
				if i == 20 {
					fmt.Fprintf(out, "  and %d more\n", len(o.Faults)-i)
					break
				}
				fmt.Fprintln(out, "  "+f)
			}
			ok = ok && len(o.Faults) == 0
		}
	}
	return ok, nil
}

func faultNames() (names []string) {
	for _, w := range world.Weathers() {
		names = append(names, w.Name)
	}
	return names
}

const heading = "| fault | database | orders | paid | refunds | callbacks sent / repeats / lost / forged (believed) | kills | holds taken / in part / let go | captured | credited | difference | refunded | debited | receipts printed / missing / doubled | time | repeat with |\n" +
	"| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"

// row is the run as a line of a table.
func (c cell) row(o *outcome) string {
	return fmt.Sprintf("| %s | %s | %d | %d | %d | %d / %d / %d / %d (%d) | %d | %d / %d / %d | %s | %s | %s | %s | %s | %d / %d / %d | %s | `-orders %d -fault %s -db %s -replicas %d -customers %d -kill %s -seed %d` |",
		c.fault, c.database, o.Orders, o.Paid, o.Refunds, o.Sent, o.Repeats, o.Lost, o.Forged, o.ForgedAccepted, o.kills, o.Taken, o.InPart, o.LetGo,
		o.Captured, o.Credited, o.Captured-o.Credited, o.Refunded, o.Debited, o.Printed, o.Missing, o.Doubled, o.took.Round(time.Second),
		c.orders, c.fault, c.database, c.replicas, c.customers, c.kill, c.seed)
}
