"""Invitations in JupyterHub's own database: whom they let in, and when they end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub import orm, roles, scopes
from sqlalchemy.orm import Session

from km3hub.teaching.helping import InvitationError, end_invitations, invite, withdraw


@pytest.fixture
def db() -> Iterator[Session]:
    """A hub's database with two workshops and a server of pia."""
    session = orm.new_session_factory("sqlite:///:memory:")()
    for role in roles.get_default_roles():
        roles.create_role(session, role)
    groups = {
        name: orm.Group(name=name)
        for name in ("workshop-school", "workshop-school-teachers", "workshop-other-teachers")
    }
    people = {
        "pia": "workshop-school",
        "tess": "workshop-school-teachers",
        "tom": "workshop-school-teachers",
        "thor": "workshop-other-teachers",
    }
    session.add_all(groups.values())
    for name, group in people.items():
        user = orm.User(name=name)
        session.add(user)
        groups[group].users.append(user)
        session.commit()
        roles.assign_default_roles(session, user)
    client = orm.OAuthClient(
        identifier="jupyterhub-user-pia", allowed_scopes=["access:servers!server=pia/"]
    )
    session.add_all([client, orm.Spawner(name="", user=_user(session, "pia"), oauth_client=client)])
    session.commit()
    yield session
    session.close()


def _user(db: Session, name: str) -> Any:
    return orm.User.find(db, name)


def participant(db: Session) -> Any:
    return SimpleNamespace(orm_spawners=_user(db, "pia").orm_spawners)


def lets_in(db: Session, name: str) -> bool:
    """Whether the token that a browser of this user gets opens the server of pia."""
    token = orm.APIToken(
        user=_user(db, name),
        client_id="jupyterhub-user-pia",
        scopes=["access:servers!server=pia/"],
        hashed=f"x:1:{name}:{datetime.now().timestamp()}",
        prefix=name,
    )
    db.add(token)
    db.commit()
    found = "access:servers!server=pia/" in scopes.get_scopes_for(token)
    db.delete(token)
    db.commit()
    return found


def test_the_teachers_of_the_workshop_get_in_until_it_ends(db: Session) -> None:
    assert not lets_in(db, "tess")
    invite(db, participant(db), "school")
    assert lets_in(db, "tess")
    assert lets_in(db, "tom")
    assert not lets_in(db, "thor")
    end_invitations(db)
    assert lets_in(db, "tess")
    withdraw(db, participant(db), "school")
    assert not lets_in(db, "tess")
    assert not lets_in(db, "tom")


def test_an_expired_invitation_is_deleted(db: Session) -> None:
    invite(db, participant(db), "school")
    for share in db.query(orm.Share):
        left = share.expires_at - orm.Share.now()
        assert timedelta(minutes=59) < left <= timedelta(minutes=60)
        share.expires_at = orm.Share.now() - timedelta(seconds=1)
    db.commit()
    end_invitations(db)
    assert not lets_in(db, "tess")
    assert db.query(orm.Share).count() == 0


def test_a_former_teacher_is_no_longer_invited(db: Session) -> None:
    invite(db, participant(db), "school")
    group = orm.Group.find(db, "workshop-school-teachers")
    group.users.remove(_user(db, "tess"))
    db.commit()
    end_invitations(db)
    assert not lets_in(db, "tess")
    assert lets_in(db, "tom")


def test_nobody_is_invited_where_there_is_nobody(db: Session) -> None:
    with pytest.raises(InvitationError, match="No teacher"):
        invite(db, participant(db), "none")
    with pytest.raises(InvitationError, match="no server"):
        invite(db, SimpleNamespace(orm_spawners={}), "school")
