"""`cardea serve`: uvicorn, with the deadlines and limits that it does not have.

command.py      what the command does
listener.py     the socket that it listens on
server.py       one process: it starts, serves, and stops in stages
protocol.py     one connection: how long its client may take, and how much it may send
limits.py       the numbers for that
connections.py  all connections: whose place a newcomer takes
refusals.py     answers to what is not even a request
supervisor.py   several processes: started, watched, replaced, stopped
worker.py       one of them, seen from both sides
"""
