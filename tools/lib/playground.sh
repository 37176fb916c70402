# SPDX-License-Identifier: MIT
# A dev Master, a private bus and the agent on loopback, in a folder of their own that goes away with them.

agent_interval=10 # short, so that a person sees something happen

playground_open() {
        folder=$(mktemp -d /tmp/argus-dev.XXXXXX) # short: a socket's path has at most 107 bytes
        pids=()
        trap playground_close EXIT
        trap 'exit 130' INT
        trap 'exit 143' TERM HUP
}

playground_close() {
        trap '' INT TERM HUP
        local pid
        for pid in "${pids[@]}"; do
                kill -TERM "$pid" 2>/dev/null || true
        done
        wait
        rm -rf "$folder"
}

# start LOG COMMAND…: in the background; ends with us even if we are killed. The pid is in $started.
start() {
        local log=$1
        shift
        setpriv --pdeathsig TERM -- "$@" >>"$folder/$log" 2>&1 </dev/null &
        started=$!
        pids=("$started" "${pids[@]}") # the newest ends first
}

# await SECONDS COMMAND…: until it succeeds.
await() {
        local end=$((SECONDS + $1))
        shift
        until "$@"; do
                [ "$SECONDS" -lt "$end" ] || return 1
                sleep 0.05
        done
}

start_master() {
        start master.log "$PYTHON" tests/master/master.py --listen 127.0.0.1:0 --database "$folder/master.db" \
                --nodes-json "$folder/nodes.json" --port-file "$folder/port" --offline-after $((agent_interval * 3))
        await 20 test -s "$folder/port" || die "the dev Master did not start:
$(cat "$folder/master.log")"
        master_url=http://127.0.0.1:$(cat "$folder/port")
}

start_bus() {
        bus_address=unix:path=$folder/bus
        cat >"$folder/bus.conf" <<END
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <auth>EXTERNAL</auth>
  <listen>$bus_address</listen>
  <policy context="default">
    <allow own="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
  </policy>
</busconfig>
END
        start bus.log dbus-daemon --config-file="$folder/bus.conf" --nofork --nopidfile
        await 10 test -S "$folder/bus" || die "the bus did not start:
$(cat "$folder/bus.log")"
}

start_agent() {
        agent_hostname=dev-$(id -un | tr -cd 'A-Za-z0-9_')-local
        health=$folder/state/$agent_hostname/health
        mkdir -p "$health"
        echo '{"status": "healthy", "said_by": "./dev run"}' >"$health/log-demo.json"
        # as on a user's bus, where whoever runs the agent may call it: no root is needed to play
        start agent.log env -i PATH="$PATH" MASTER_ENDPOINT="$master_url" REPORT_INTERVAL_SECONDS=$agent_interval \
                AGENT_HOSTNAME="$agent_hostname" AGENT_STATE_ROOT="$folder/state" \
                AGENT_BUS=user DBUS_SESSION_BUS_ADDRESS="$bus_address" AGENT_LOG_TARGET=console build/argus-agent
        agent_pid=$started
}

# property NAME: its value, without quotes.
property() {
        busctl --address="$bus_address" get-property org.argus.Agent1 /org/argus/Agent1 org.argus.Agent1 "$1" \
                2>/dev/null | sed 's/^[a-z] //; s/^"\(.*\)"$/\1/'
}

is_online() {
        kill -0 "$agent_pid" 2>/dev/null || die "the agent ended:
$(cat "$folder/agent.log")"
        [ "$(property LastReportStatus)" = success ]
}

wait_online() {
        await 30 is_online || die "the node did not come up within 30 s:
$(cat "$folder/agent.log")"
}

show_screen() {
        local next_usec busctl="busctl --address=$bus_address" place='org.argus.Agent1 /org/argus/Agent1'
        next_usec=$(property NextReportTimestamp)
        cat <<END

  ${green}●${plain} ${bold}$agent_hostname${plain} is ${green}$(property State)${plain} as node ${bold}$(property NodeId)${plain}

    Master       $(property MasterEndpoint)
    next report  $(date -d "@$((next_usec / 1000000))" +%T), then every $agent_interval s
    agent        pid $agent_pid, state in $folder/state
    logs         $folder/{agent,master,bus}.log

  ${bold}Ask it things${plain} ${dim}(in another terminal; each line works as it stands)${plain}

    ${dim}# how it is, and everything that it shows on D-Bus${plain}
    DBUS_SESSION_BUS_ADDRESS=$bus_address $PWD/build/argusctl --user
    $busctl introspect $place org.argus.Agent1
    ${dim}# report now; register again${plain}
    $busctl call $place org.argus.Agent1 Report
    $busctl call $place org.argus.Agent1 Reregister
    kill -HUP $agent_pid
    ${dim}# be a module: drop a health file, good or bad${plain}
    echo '{"status": "busy"}' >$health/metric-demo.json
    echo '{"status": ' >$health/metric-demo.json
    ${dim}# what the Master knows; and how to make it fail once${plain}
    curl -s $master_url/api/v1/master/nodes
    curl -s $master_url/api/v1/master/nodes/statistics
    curl -s $master_url/test/behave -d '[{"match": "report", "status": 503, "times": 1}]'

  ${bold}The agent's log${plain} ${dim}(Ctrl-C stops everything and removes $folder)${plain}

END
}

# Until the agent ends; a signal ends it earlier.
follow_log() {
        tail -n +1 -f --pid="$agent_pid" "$folder/agent.log" &
        pids+=("$!")
        wait "$agent_pid" || die "the agent ended with status $?"
}
